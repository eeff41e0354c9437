/**
 * The rows that tenants began with, which are never written to: they have to come along as they
 * are.
 */
import type pg from 'pg'
import type { EndName } from '../../demo/application/ledger.ts'
import type { Finding } from '../checks/findings.ts'
import { type Ends, endNames } from '../tenants.ts'

/** Tenant → a digest of its rows. */
export type Seed = ReadonlyMap<string, string>

const digest = `
  select tenant, md5(string_agg(says, ' ' order by says)) as digest from (
    select id as tenant, t::text as says from tenants t
    union all select tenant_id, e::text from entries e where write_id is null
    union all select e.tenant_id, g::text from entry_tags g join entries e on e.id = g.entry_id
      where e.write_id is null
    union all select tenant_id, v::text from visits v where write_id is null
  ) rows where tenant = any ($1) group by tenant`

export async function readSeed(pool: pg.Pool, tenants: readonly string[]): Promise<Seed> {
  const { rows } = await pool.query<{ tenant: string; digest: string }>(digest, [tenants])
  return new Map(rows.map((row) => [row.tenant, row.digest]))
}

export async function checkSeed(
  before: Seed,
  at: { pools: Ends<pg.Pool>; homes: ReadonlyMap<string, EndName> },
): Promise<Finding[]> {
  const after = new Map<string, string>()
  for (const end of endNames) {
    const here = [...at.homes].filter(([, home]) => home === end).map(([tenant]) => tenant)
    for (const [tenant, text] of await readSeed(at.pools[end], here)) after.set(tenant, text)
  }
  return [...at.homes.keys()]
    .filter((tenant) => before.get(tenant) !== after.get(tenant))
    .map((tenant) => ({ kind: 'altered', tenant, text: 'rows of the seed differ at its home' }))
}
