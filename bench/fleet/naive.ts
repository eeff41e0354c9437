/**
 * The script that everybody writes first, one tenant after the other: flag, SELECT, one INSERT of
 * several rows, count, unflag. It compares nothing, waits for no writer, and a crash leaves the
 * flag standing.
 */
import { performance } from 'node:perf_hooks'
import pg from 'pg'
import { tables } from './plan.ts'

/** Returns the time for which each tenant was flagged, in ms. */
export async function moveNaively(
  urls: { readonly source: string; readonly target: string },
  tenants: readonly string[],
): Promise<number[]> {
  const source = new pg.Client({ connectionString: urls.source })
  const target = new pg.Client({ connectionString: urls.target })
  await Promise.all([source.connect(), target.connect()])
  const pauses: number[] = []
  for (const tenant of tenants) {
    const started = performance.now()
    await source.query('insert into naive_flags values ($1)', [tenant])
    let copied = 0
    for (const table of tables) copied += await copyTable({ source, target }, table, tenant)
    const counted = await countRows(target, tenant)
    if (counted !== copied) throw new Error(`${tenant}: ${counted} of ${copied} rows have come`)
    await source.query('delete from naive_flags where tenant = $1', [tenant])
    pauses.push(performance.now() - started)
  }
  await Promise.all([source.end(), target.end()])
  return pauses
}

type Table = (typeof tables)[number]

async function copyTable(
  { source, target }: { readonly source: pg.Client; readonly target: pg.Client },
  table: Table,
  tenant: string,
): Promise<number> {
  const query = `select * from ${table} where ${tenantColumn(table)} = $1`
  const { rows, fields } = await source.query({ text: query, values: [tenant], rowMode: 'array' })
  const width = fields.length
  const places = rows.map((_, row) => {
    const list = fields.map((_, column) => `$${row * width + column + 1}`)
    return `(${list.join(', ')})`
  })
  await target.query(`insert into ${table} values ${places.join(', ')}`, rows.flat())
  return rows.length
}

async function countRows(client: pg.Client, tenant: string): Promise<number> {
  const counts = tables.map((table) => {
    return `(select count(*) from ${table} where ${tenantColumn(table)} = $1)`
  })
  const { rows } = await client.query(`select (${counts.join(' + ')})::int as rows`, [tenant])
  return rows[0].rows
}

function tenantColumn(table: Table): string {
  return table === 'tenants' ? 'id' : 'tenant_id'
}
