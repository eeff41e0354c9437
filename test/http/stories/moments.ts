// Unique values wander between rows while these are read at different moments, and ends without a
// feed are moved offline.
import { expect } from 'vitest'
import type { RemoteCall } from '../../../src/calls.ts'
import type { MixedStory } from '../../helpers/http/http-mixes.ts'
import { createHttpWorld, type EndName } from '../../helpers/http-world.ts'
import { moveWhile } from '../../helpers/moments/kinds-of-changes.ts'
import { both, everything, seed, tables } from '../../helpers/moments/wandering.ts'
import { ended, flagsAt, rowsAt, runAll, tryWrite } from '../../helpers/runs.ts'
import { onlinePlan } from '../../helpers/way-back.ts'

/** Every place becomes another list's, far away from where it was. */
const wander = [
  'update lists set place = -place',
  'update lists set place = 1 + (-place * 7) % 31',
  `update items set text = 'wandered' where list_id % 5 = 0`,
]

const moments: readonly (readonly [string, (call: RemoteCall) => boolean])[] = [
  ['the copy', ({ phase, text }) => phase === 'copy' && /rows\/write|copy_progress/.test(text)],
  ['a round', ({ phase, text }) => phase === 'catch_up' && /position|current_snapshot/.test(text)],
  ['the comparison', ({ phase, text }) => phase === 'verify' && /digest|sum\(/.test(text)],
]

async function wanderAt(
  over: readonly EndName[],
  when: (call: RemoteCall) => boolean,
): Promise<void> {
  await using world = await createHttpWorld({ over, both, plan: { ...onlinePlan, tables } })
  await world.source.pool.query(seed)
  await using _ = await world.work()
  const { move, said } = await moveWhile(world, wander, when)
  expect(said).toBe('accepted')
  expect([move?.phase, move?.error_message]).toEqual(['moved', null])
  const rows = (await world.source.pool.query(everything)).rows
  expect((await world.target.pool.query(everything)).rows).toEqual(rows)
}

/** In an order that lets each moment meet another mix of ends. */
export const momentStories: Readonly<Record<string, MixedStory>> = {
  ...Object.fromEntries(
    moments.map(([moment, when]) => [
      `unique values wander during ${moment}`,
      (over: readonly EndName[]) => wanderAt(over, when),
    ]),
  ),

  'an end without a feed is refused for online moves, and moves offline': async (over) => {
    const serve = () => ({ feed: false })
    await using world = await createHttpWorld({ over, serve, plan: onlinePlan })
    const found = (await world.rehome.check(world.plan())).map(
      ({ where, message }) => `${where} ${message}`,
    )
    for (const end of over) {
      expect(found).toContain(
        `${end} is reached over HTTP and offers no feed of changes: move offline`,
      )
    }
    await using offline = await createHttpWorld({ over, serve })
    await offline.addTenant('acme', 4)
    await using _ = await offline.work()
    const run = await runAll(offline, ['acme'])
    expect(await flagsAt(offline, 'target')).toEqual([])
    expect((await ended(offline, run)).get('acme')?.phase).toBe('moved')
    expect(await rowsAt(offline, 'target', 'acme')).toEqual(await rowsAt(offline, 'source', 'acme'))
    expect(await tryWrite(offline, 'target', 'acme')).toBe('accepted')
  },
}
