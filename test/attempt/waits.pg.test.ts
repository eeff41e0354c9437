// A worker that stands still in the midst of a removal keeps no writer waiting: not even those that
// still believe in a home that the tenant has left, and write the very rows that are being removed.
import { expect, test } from 'vitest'
import { openScene } from '../helpers/attempts/scene.ts'
import { stories } from '../helpers/attempts/stories.ts'
import { codeOf } from '../helpers/fence/writer.ts'
import { deferred } from '../helpers/moments/deferred.ts'

const write = `update visits set hits = hits + 1 where tenant_id = 'acme'`

/** A row of the tenant, brought as the mover would. */
const arrived = `begin;
  select set_config('rehome.token', token::text, true) from rehome.tenant_flags
    where tenant_id = 'acme';
  set local session_replication_role = replica;
  insert into visits values ('acme', '2026-06-01', 1) on conflict do nothing; commit`

test.each([
  ['source', stories.cleanup.name, stories.cleanup],
  ['target', stories.withdrawal.name, stories.withdrawal],
] as const)(
  'a writer at the %s is refused although %s stands still with its rows locked',
  async (end, _, story) => {
    await using scene = await openScene(story)
    const [move] = await scene.arrange(['acme'])
    // How many rows had come when the copy failed differs from run to run.
    if (end === 'target') await scene.world[end].pool.query(arrived)
    const stopped = deferred()
    const life = scene.lifeOf('acme', ({ moment, text }) => {
      if (moment !== 'after' || !/delete from "public"\."visits"/.test(text)) return 'goes on'
      stopped.resolve()
      return 'stands still'
    })
    const ended = scene.attempts.live(life, move?.id ?? '')
    await Promise.race([stopped.promise, ended.then(() => expect.fail('it did not stand still'))])
    expect(await codeOf(scene.world[end].pool.query(write))).toBe('25006')
    life.die()
  },
  30_000,
)
