// What tenants have at the ends, many of them by one query.
import type { World } from '../world.ts'
import type { EndName } from './stories.ts'

type ByTenant = Map<string, string[]>

const rowsQuery = `
  select tenant, row, xmin from (
    select id as tenant, 'tenants ' || r::text as row, r.xmin from tenants r
    union all select tenant_id, 'notes ' || r::text, r.xmin from notes r
    union all select n.tenant_id, 'note_lines ' || r::text, r.xmin
      from note_lines r join notes n on n.id = r.note_id
    union all select tenant_id, 'visits ' || r::text, r.xmin from visits r
  ) r where tenant = any ($1) order by row collate "C"`

/** Every row of each tenant as text. */
export async function rowsOfEach(
  world: World,
  end: EndName,
  tenants: readonly string[],
): Promise<ByTenant> {
  const { rows } = await world[end].pool.query(rowsQuery, [tenants])
  return grouped(tenants, rows)
}

/** The mode of each tenant's flag; none: null. */
export async function modesOfEach(
  world: World,
  end: EndName,
  tenants: readonly string[],
): Promise<Map<string, string | null>> {
  const query = 'select tenant_id, mode from rehome.tenant_flags where tenant_id = any ($1)'
  const { rows } = await world[end].pool.query(query, [tenants])
  const modes = new Map<string, string | null>(tenants.map((tenant) => [tenant, null]))
  for (const { tenant_id, mode } of rows) modes.set(tenant_id, mode)
  return modes
}

/** Where each tenant lives, or will as soon as its home is opened. */
export async function homesOf(
  world: World,
  tenants: readonly string[],
): Promise<Map<string, EndName>> {
  const source = await modesOfEach(world, 'source', tenants)
  const target = await modesOfEach(world, 'target', tenants)
  return new Map(
    tenants.map((tenant) => {
      const left = ['moved', 'receiving'].includes(source.get(tenant) ?? '')
      return [tenant, left && target.get(tenant) !== 'moved' ? 'target' : 'source']
    }),
  )
}

/** The rows of each tenant at its home. */
export async function rowsAtHome(world: World, tenants: readonly string[]): Promise<ByTenant> {
  const homes = await homesOf(world, tenants)
  const at = async (end: EndName) =>
    await rowsOfEach(
      world,
      end,
      tenants.filter((tenant) => homes.get(tenant) === end),
    )
  return new Map([...(await at('source')), ...(await at('target'))])
}

/**
 * All that a tenant has at both ends: rows and who wrote them, flags, logs, and whose turn it is.
 */
export async function everythingOfEach(
  world: World,
  tenants: readonly string[],
): Promise<Map<string, unknown>> {
  const ends = await Promise.all(
    (['source', 'target'] as const).map(async (end) => {
      const { pool } = world[end]
      const logs = await pool.query(`select relname from pg_class where relkind = 'r'
        and relnamespace = to_regnamespace('rehome_log') order by 1`)
      const queries = [
        `select tenant, xmin || ' ' || row as row from (${rowsQuery}) r`,
        ...['tenant_flags', 'copy_progress', 'turns'].map(
          (name) => `select tenant_id as tenant, x::text as row from rehome.${name} x
            where tenant_id = any ($1) order by 2`,
        ),
        ...logs.rows.map(
          ({ relname }) => `select rehome_tenant as tenant, x::text as row
            from rehome_log.${relname} x where rehome_tenant = any ($1) order by 2`,
        ),
      ]
      const results = await Promise.all(queries.map((query) => pool.query(query, [tenants])))
      return grouped(
        tenants,
        results.flatMap(({ rows }) => rows),
      )
    }),
  )
  return new Map(tenants.map((tenant) => [tenant, ends.map((end) => end.get(tenant))]))
}

function grouped(tenants: readonly string[], rows: readonly { tenant: string; row: string }[]) {
  const byTenant: ByTenant = new Map(tenants.map((tenant) => [tenant, []]))
  for (const { tenant, row } of rows) byTenant.get(tenant)?.push(row)
  return byTenant
}
