// Tenants whose ends are reached over HTTP come back, are given up, and are tidied up after.
import { expect } from 'vitest'
import type { MixedStory } from '../../helpers/http/http-mixes.ts'
import { createHttpWorld } from '../../helpers/http-world.ts'
import { damageBeforeVerify } from '../../helpers/moments/damage.ts'
import { noPoison } from '../../helpers/moves/no-poison.ts'
import { ended, expectHome, flagsAt, moveOf, rowsAt, runAll, tryWrite } from '../../helpers/runs.ts'

const cutMicroseconds = `update notes set at = date_trunc('milliseconds', at) where id = 4`

export const wayBackStories: Readonly<Record<string, MixedStory>> = {
  'a tenant that wrote nothing at its new home comes back, and may go again': async (over) => {
    await using world = await createHttpWorld({ over })
    await world.addTenant('back')
    await world.addTenant('stays')
    await using _worker = await world.work()
    const runId = await runAll(world)
    await world.rehome.rollback(runId, { tenants: ['back'] })
    const undone = (await ended(world, runId)).get('back')
    expect([undone?.phase, undone?.error_message]).toEqual(['rolled_back', null])
    await expectHome(world, 'back', 'source')
    await expectHome(world, 'stays', 'target')
    const again = await runAll(world, ['back'])
    expect((await moveOf(world, again, 'back')).error_message).toBeNull()
    expect(await rowsAt(world, 'target', 'back')).toEqual(await rowsAt(world, 'source', 'back'))
    await expectHome(world, 'back', 'target')
  },

  'what was written at the new home is counted, and given up only when told so': async (over) => {
    await using world = await createHttpWorld({ over })
    await world.addTenant('back')
    await using _worker = await world.work()
    const runId = await runAll(world)
    const before = await rowsAt(world, 'source', 'back')
    await world.target.pool.query(`update notes set body = 'new' where id in (1, 2)`)
    await world.target.pool.query(`delete from visits where day = '2025-12-25'`)
    await world.target.pool.query(`insert into notes (tenant_id, body) values ('back', 'newer')`)
    await world.rehome.rollback(runId, { tenants: ['back'] })
    const refused = (await ended(world, runId)).get('back')
    expect(refused).toMatchObject({ phase: 'moved', error_code: 'WRITES_WOULD_BE_LOST' })
    expect(refused?.error_message).toMatch(/^4 rows were written .*"notes": 3.*"visits": 1/)
    await expectHome(world, 'back', 'target')
    await world.rehome.rollback(runId, { tenants: ['back'], discardWrites: true })
    expect((await ended(world, runId)).get('back')?.phase).toBe('rolled_back')
    expect(await rowsAt(world, 'source', 'back')).toEqual(before)
    await expectHome(world, 'back', 'source')
  },

  'a move that failed is withdrawn: the target is empty, and no flag is left': async (over) => {
    await using world = await createHttpWorld({ over, target: noPoison })
    await world.addTenant('bad', 40)
    const poison = `update notes set body = 'poison' where id = (select max(id) from notes)`
    await world.source.pool.query(poison)
    await using _worker = await world.work()
    const runId = await runAll(world)
    const failed = await moveOf(world, runId, 'bad')
    expect(failed).toMatchObject({ phase: 'failed', error_code: 'ROW_REJECTED', attempt: 1 })
    expect(failed.error_message).toContain('no poison')
    expect(await tryWrite(world, 'source', 'bad')).toBe('accepted')
    expect((await rowsAt(world, 'target', 'bad')).length).toBeGreaterThan(20)
    expect(await flagsAt(world, 'target')).toEqual([['bad', 'receiving']])
    await world.rehome.rollback(runId, { tenants: ['bad'] })
    expect((await ended(world, runId)).get('bad')?.phase).toBe('rolled_back')
    expect(await rowsAt(world, 'target', 'bad')).toEqual([])
    expect([...(await flagsAt(world, 'source')), ...(await flagsAt(world, 'target'))]).toEqual([])
  },

  'the old copy of a moved tenant is removed, and no other row': async (over) => {
    const large = { plan: { chunkRows: 2_000 }, asking: { pageRows: 2_000 } }
    await using world = await createHttpWorld({ over, ...large })
    // Of 6,000 lines one request removes 5,000, and notes that are gone take theirs along.
    await world.addTenant('gone', 3_000)
    await world.addTenant('stays')
    await using _worker = await world.work()
    const runId = await runAll(world, ['gone'])
    const [there, others] = [
      await rowsAt(world, 'target', 'gone'),
      await rowsAt(world, 'source', 'stays'),
    ]
    await world.rehome.cleanup(runId, { tenants: ['gone'] })
    const cleaned = (await ended(world, runId)).get('gone')
    expect([cleaned?.phase, cleaned?.error_message]).toEqual(['cleaned', null])
    expect(await rowsAt(world, 'source', 'gone')).toEqual([])
    expect(await rowsAt(world, 'source', 'stays')).toEqual(others)
    expect(await rowsAt(world, 'target', 'gone')).toEqual(there)
    expect(await flagsAt(world, 'source')).toEqual([['gone', 'moved']])
    expect(await tryWrite(world, 'target', 'gone')).toBe('accepted')
    const { source } = world.ends
    if (source) expect(source.asked.get('/rehome/v1/rows/remove')).toBe(8)
  },

  'rows that differ are named, and the move is tried again once they do not': async (over) => {
    // No attempt may be lost to its lease where the machine is slow: the first one is looked at.
    const plan = { fence: { leaseMs: 30_000, drainMs: 30_000 } }
    await using world = await createHttpWorld({ over, plan })
    await world.addTenant('acme')
    const damage = damageBeforeVerify(world, 'acme', cutMicroseconds)
    await using _worker = await world.work()
    const runId = await runAll(world)
    const differs = await moveOf(world, runId, 'acme')
    expect(differs).toMatchObject({ phase: 'failed', error_code: 'ROWS_DIFFER', attempt: 1 })
    const named = /"notes": 10 rows expected, 10 found, 1 differ \(\(4\) different/
    expect(differs.error_message).toMatch(named)
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
    damage[Symbol.dispose]()
    expect((await world.rehome.retry(runId)).tenants).toEqual(['acme'])
    const move = (await ended(world, runId)).get('acme')
    expect([move?.phase, move?.error_message]).toEqual(['moved', null])
    expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
    await expectHome(world, 'acme', 'target')
  },
}
