/**
 * Where a tenant lives, asked of the flags at the two ends. Reads only.
 *
 * A tenant lives at the source unless its flag there says that it has moved. A source that receives
 * is one that the tenant moves back to: until that is done, it lives at the target.
 */
import type { Pool } from 'pg'
import type { EndName } from './ledger.ts'

export type Pools = Readonly<Record<EndName, Pool>>

export type Homes = (tenant: string) => EndName

/** For all tenants at this instant. */
export async function readHomes(pools: Pools): Promise<Homes> {
  const source = await readModes(pools.source)
  const target = [...source.values()].includes('receiving')
    ? await readModes(pools.target)
    : new Map<string, string>()
  return (tenant) => {
    const mode = source.get(tenant)
    if (mode === 'moved') return 'target'
    return mode === 'receiving' && target.get(tenant) !== 'moved' ? 'target' : 'source'
  }
}

/** Tenant → mode of its flag. Empty where rehome is not installed yet. */
async function readModes(pool: Pool): Promise<ReadonlyMap<string, string>> {
  const look = `select to_regclass('rehome.tenant_flags') is not null as installed`
  const found = await pool.query<{ installed: boolean }>(look)
  if (!found.rows[0]?.installed) return new Map()
  const flags = await pool.query<{ tenant_id: string; mode: string }>(
    'select tenant_id, mode from rehome.tenant_flags',
  )
  return new Map(flags.rows.map((row) => [row.tenant_id, row.mode]))
}
