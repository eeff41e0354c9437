// A real worker process dies of SIGKILL, and another one stands still (SIGSTOP) and wakes up when
// all is over, at one place in each phase: with the queue in Redis and in PostgreSQL, by turns with
// each commit. The places are others with each commit, too.
//
// To repeat: ROTATION=7 npx vitest run test/attempt/processes.all.test.ts
import { expect, test } from 'vitest'
import { killEach, stopEach } from '../helpers/attempts/processes.ts'
import { type Story, stories } from '../helpers/attempts/stories.ts'
import { describeOnBackends } from '../helpers/backends.ts'
import { programFile } from '../helpers/processes/programs.ts'
import { isInPart } from '../helpers/rotation.ts'
import { house } from '../helpers/tidy/house.ts'
import { phasesOf } from '../helpers/tidy/words.ts'

const file = programFile('test/helpers/processes/worker-process.ts')
const timeout = 1_800_000
const undone = ['undo_catch_up', 'undo_compare', 'undo_fence', 'undo_drain']

/** Each phase once. */
const parts: readonly (readonly [Story, readonly string[]])[] = [
  [
    stories.onlineMove,
    [
      ...['queued', 'preflight', 'capture', 'copy', 'catch_up', 'verify', 'fence', 'drain'],
      ...['final_catch_up', 'cutover', 'release'],
    ],
  ],
  [stories.rollbackWithWrites, [...undone, 'undo_final_catch_up', 'undo_cutover', 'undo_release']],
  [stories.withdrawal, ['withdraw']],
  [stories.audit, ['audit']],
  [stories.finalize, ['finalize']],
  [stories.cleanup, ['cleanup']],
  [stories.rehearsal, ['rehearse']],
]

describeOnBackends('a worker process', (backend) => {
  const queue = backend.name === 'redis' ? 0 : 1
  const turns = parts.map(([story, phases], i) => ({
    ...{ name: story.name, story, phases },
    dies: isInPart(i + queue, 2),
  }))

  test.each(turns.filter(({ dies }) => dies))(
    'that is killed in $name is followed by one that ends it',
    { timeout },
    async ({ story, phases }) => {
      const places = await killEach({ story, backend, file, phases })
      expect(places).toHaveLength(phases.length)
    },
  )

  test.each(turns.filter(({ dies }) => !dies))(
    'that stood still in $name changes nothing when it wakes up',
    { timeout },
    async ({ story, phases }) => {
      const places = await stopEach({ story, backend, file, phases })
      expect(places).toHaveLength(phases.length)
    },
  )
})

test('there is no phase in which no process has died', () => {
  // A held move stays open: deaths-of-moves.all.test.ts dies in its hold.
  const phases = ['hold', ...parts.flatMap(([, named]) => named)]
  expect(phasesOf(house).working.filter((phase) => !phases.includes(phase))).toEqual([])
})
