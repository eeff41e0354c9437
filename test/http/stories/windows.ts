// What becomes of a window over HTTP: audits, its end, and what they find.
import { expect } from 'vitest'
import type { TestDatabase } from '../../helpers/database.ts'
import type { MixedStory } from '../../helpers/http/http-mixes.ts'
import { createHttpWorld } from '../../helpers/http-world.ts'
import { damageBeforeVerify } from '../../helpers/moments/damage.ts'
import { ended, flagsAt, moveOf, rowsAt, runAll, tryWrite } from '../../helpers/runs.ts'
import { audited, onlinePlan as plan, writeThere } from '../../helpers/way-back.ts'

const writes = [
  `update notes set body = body || '!' where tenant_id = $`,
  `delete from notes where id = (select min(id) from notes where tenant_id = $)`,
  `insert into notes (tenant_id, body) values ($, 'at home')`,
  `delete from visits where tenant_id = $ and hits < 3`,
]

const cutMicroseconds = `update notes set at = date_trunc('milliseconds', at) where id = 4`

export const windowStories: Readonly<Record<string, MixedStory>> = {
  'audits say whether the way back is open, and change nothing': async (over) => {
    await using world = await createHttpWorld({ over, plan })
    await world.addTenant('acme', 4)
    await using _ = await world.work()
    const old = await rowsAt(world, 'source', 'acme')
    const run = await runAll(world, ['acme'])
    await writeThere(world, 'acme', writes)
    const home = await rowsAt(world, 'target', 'acme')
    const fine = await audited(world, run, 'acme')
    expect([fine.error_code, fine.evidence.audit]).toMatchObject([null, { changes: 9 }])
    expect(await rowsAt(world, 'source', 'acme')).toEqual(old)
    expect(await rowsAt(world, 'target', 'acme')).toEqual(home)
    // Somebody has touched the old copy, past the fence: the way back would lead elsewhere.
    await world.source.pool.query(`begin; alter table only visits disable trigger rehome_update;
      update visits set hits = hits + 1 where tenant_id = 'acme' and hits = 9;
      alter table only visits enable always trigger rehome_update; commit`)
    expect((await audited(world, run, 'acme')).error_code).toBe('ROWS_DIFFER')
  },

  'its end by word empties the log, and only then the old copy may go': async (over) => {
    await using world = await createHttpWorld({ over, plan })
    await world.addTenant('acme', 4)
    await using _ = await world.work()
    const run = await runAll(world, ['acme'])
    const tenants = ['acme']
    await expect(world.rehome.cleanup(run, { tenants })).rejects.toThrow(/rehome finalize/)
    await writeThere(world, 'acme', writes)
    expect(await loggedAt(world.target)).toBeGreaterThan(5)
    await world.rehome.finalize(run, { tenants })
    expect((await ended(world, run)).get('acme')?.error_message).toBeNull()
    expect(await flagsAt(world, 'target')).toEqual([])
    expect(await loggedAt(world.target)).toBe(0)
    await world.rehome.rollback(run, { tenants })
    expect((await ended(world, run)).get('acme')?.error_code).toBe('WRITES_WOULD_BE_LOST')
    await world.rehome.cleanup(run, { tenants })
    expect((await ended(world, run)).get('acme')?.phase).toBe('cleaned')
    expect(await tryWrite(world, 'target', 'acme')).toBe('accepted')
  },

  'rows that differ without having changed are found while the tenant writes': async (over) => {
    await using world = await createHttpWorld({ over, plan })
    await world.addTenant('acme')
    using _damage = damageBeforeVerify(world, 'acme', cutMicroseconds)
    await using _ = await world.work()
    const run = await runAll(world, ['acme'])
    const move = await moveOf(world, run, 'acme')
    expect(move).toMatchObject({ phase: 'failed', error_code: 'ROWS_DIFFER' })
    expect(move.error_message).toMatch(/"notes": .*1 differ \(\(4\) different/)
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  },
}

async function loggedAt({ pool }: Pick<TestDatabase, 'pool'>): Promise<number> {
  const logs = `select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname = 'rehome_log'`
  let entries = 0
  for (const { name } of (await pool.query(logs)).rows) {
    entries += (await pool.query(`select count(*)::int as n from ${name}`)).rows[0].n
  }
  return entries
}
