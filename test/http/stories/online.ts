// Tenants that move online where an end is asked over HTTP: nothing that they write is lost.
import { expect } from 'vitest'
import type { MixedStory } from '../../helpers/http/http-mixes.ts'
import { createHttpWorld } from '../../helpers/http-world.ts'
import { changeableKeys, startRestless } from '../../helpers/moments/restless.ts'
import { ended, expectHome, flagsAt, moveOf, rowsAt, runAll } from '../../helpers/runs.ts'
import { computed, expectRenumbered, renumbered } from '../../helpers/schemas/renumbered.ts'
import { back, onlinePlan, ownIds, writeThere } from '../../helpers/way-back.ts'

const plan = { ...onlinePlan, attempts: 5, fence: { leaseMs: 10_000, drainMs: 10_000 } } as const
const asking = { pageRows: 50 }

const kinds = [
  `update notes set body = body || '!' where tenant_id = $`,
  `delete from notes where id = (select min(id) from notes where tenant_id = $)`,
  `insert into notes (tenant_id, body) values ($, 'at home'), ($, 'and again')`,
  `insert into note_lines select max(id), 1, 'new' from notes where tenant_id = $`,
  `delete from visits where tenant_id = $ and hits < 3`,
]

export const onlineStories: Readonly<Record<string, MixedStory>> = {
  'a tenant that never rests moves, and all that it wrote is there': async (over) => {
    await using world = await createHttpWorld({ over, plan, asking, both: changeableKeys })
    await world.addTenant('acme', 60)
    await world.addTenant('other', 20)
    await using worker = await world.work()
    expect(await world.rehome.check(world.plan())).toEqual([])
    await using restless = startRestless(world, { tenant: 'acme', other: 'other' })
    const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
    const move = (await ended(world, runId)).get('acme')
    expect([move?.phase, move?.error_message]).toEqual(['moved', null])
    expect(restless.accepted).toBeGreaterThan(2)
    expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
    expect(await rowsAt(world, 'target', 'other')).toEqual([])
    await expectHome(world, 'acme', 'target')
    await worker.close()
  },

  'rows whose keys become others are found again when they change': async (over) => {
    const tables = over.includes('source') ? renumbered : computed
    const changes = { ...plan, tables }
    await using world = await createHttpWorld({
      ...{ over, plan: changes, asking, both: changeableKeys },
    })
    await world.addTenant('acme', 60)
    await world.addTenant('other', 20)
    await using worker = await world.work()
    await using restless = startRestless(world, { tenant: 'acme', other: 'other' })
    const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
    const move = (await ended(world, runId)).get('acme')
    expect([move?.phase, move?.error_message]).toEqual(['moved', null])
    expect(restless.accepted).toBeGreaterThan(2)
    await expectRenumbered(world)
    await worker.close()
  },

  'a rollback brings back what was written at the new home': async (over) => {
    await using world = await createHttpWorld({ over, plan, asking, target: ownIds })
    await world.addTenant('acme', 12)
    await world.addTenant('other', 3)
    await using _ = await world.work()
    const other = await rowsAt(world, 'source', 'other')
    for (let i = 0; i < 2; i += 1) {
      const run = await runAll(world, ['acme'])
      expect((await moveOf(world, run, 'acme')).error_message).toBeNull()
      expect(await flagsAt(world, 'target')).toEqual([['acme', 'capturing']])
      await expectHome(world, 'acme', 'target')
      await writeThere(world, 'acme', kinds)
      const home = await rowsAt(world, 'target', 'acme')
      expect(await back(world, run, 'acme')).toBe('rolled_back')
      expect(await rowsAt(world, 'source', 'acme')).toEqual(home)
      expect(await rowsAt(world, 'source', 'other')).toEqual(other)
      await expectHome(world, 'acme', 'source')
      expect(await flagsAt(world, 'source')).toEqual([])
    }
  },
}
