// Real worker processes die of SIGKILL, or stand still (SIGSTOP) and wake up when later ones have
// finished their errand: what the other files of this folder do within one process. The phases are
// others with each commit; all of them have their turn in processes.all.test.ts.
//
// To repeat: ROTATION=7 npx vitest run test/attempt/processes.pg.test.ts
import { expect, test } from 'vitest'
import { killEach, stopEach } from '../helpers/attempts/processes.ts'
import { stories } from '../helpers/attempts/stories.ts'
import { queueBackends } from '../helpers/backends.ts'
import { programFile } from '../helpers/processes/programs.ts'
import { oneOf } from '../helpers/rotation.ts'

const file = programFile('test/helpers/processes/worker-process.ts')
const timeout = 300_000
const { onlineMove: story } = stories

test('a process that is killed before the cutover is followed', { timeout }, async () => {
  const [backend] = queueBackends().filter(({ skip }) => skip === undefined)
  if (!backend) throw new Error('there is no queue')
  const beforeCutover = ['capture', 'copy', 'catch_up', 'verify', 'fence', 'drain', 'cutover']
  const failing = { story, backend, file, phases: oneOf(beforeCutover) }
  expect(await killEach(failing)).toHaveLength(1)
})

test('a process that stood still changes nothing when it wakes up', { timeout }, async () => {
  const backend = { name: 'postgres' } as const
  const phases = oneOf(['fence', 'final_catch_up', 'cutover', 'release'])
  expect(await stopEach({ story, backend, file, phases })).toHaveLength(1)
})
