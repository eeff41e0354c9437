/**
 * Makes the two databases of the demonstration: their schemas, and tenants of very different sizes.
 *
 * It installs nothing of rehome's, and wants databases without these tables. The rows themselves
 * are made by the servers (seed-source.sql, seed-target.sql). Invariant: the same call makes the
 * same rows.
 */
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { plantFault } from '../fault.ts'
import { tenantNames } from './tenant-names.ts'

export interface WorldSize {
  /**
   * Rows of all tenants together, about. Default 300,000; the largest tenant has a fifth of them.
   */
  readonly rows?: number
  /** 5 to 40, largest first; the last is always tiny. Default 40. */
  readonly tenants?: number
}

export interface SeededTenant {
  readonly id: string
  /** In the tables that move, before any transform leaves rows out. */
  readonly rows: number
}

export interface Seeded {
  /** Largest first. */
  readonly tenants: readonly SeededTenant[]
  readonly rows: number
}

/** Creates and fills the source: about 6 s by default. One transaction: all of it or nothing. */
export async function seedSource(url: string, size: WorldSize = {}): Promise<Seeded> {
  return await withDatabase(url, async (client) => {
    await client.query(await readSql('source.sql'))
    await fillSizes(client, size)
    await client.query(await readSql('seed-source.sql'))
    await plantFault(client)
    return await countRows(client)
  })
}

/** Creates the target with the few tenants that live there already. */
export async function seedTarget(url: string): Promise<Seeded> {
  return await withDatabase(url, async (client) => {
    await client.query(await readSql('target.sql'))
    await client.query(await readSql('seed-target.sql'))
    return await countRows(client)
  })
}

async function withDatabase<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } finally {
    await client.end()
  }
}

async function readSql(name: string): Promise<string> {
  return await readFile(new URL(name, import.meta.url), 'utf8')
}

/** The number of a tenant's rows of each kind; each tenant has at least `least` of them. */
const kinds = {
  users: { share: 0.03, least: 1 },
  projects: { share: 0.015, least: 1 },
  tasks: { share: 0.25, least: 2 },
  items: { share: 0.2, least: 1 },
  comments: { share: 0.27, least: 1 },
  attachments: { share: 0.035, least: 0 },
  events: { share: 0.2, least: 1 },
}

async function fillSizes(client: pg.Client, size: WorldSize): Promise<void> {
  const columns = Object.keys(kinds)
  await client.query(
    `create temporary table sizes (rank integer, tenant_id text,
      ${columns.map((column) => `${column} integer`).join(', ')}) on commit drop`,
  )
  const { rows = 300_000, tenants = 40 } = size
  for (const [i, total] of tenantSizes(rows, tenants).entries()) {
    const counts = Object.values(kinds).map(({ share, least }) =>
      Math.max(least, Math.round(total * share)),
    )
    const places = [...columns, 'rank', 'tenant'].map((_, place) => `$${place + 1}`)
    const values = [i + 1, tenantNames[i], ...counts]
    await client.query(`insert into sizes values (${places.join(', ')})`, values)
  }
}

/** Zipf's law as far as the small ones, which are smaller still: the last has next to nothing. */
function tenantSizes(rows: number, tenants: number): number[] {
  const weights = Array.from({ length: tenants }, (_, i) => {
    return (i + 1) ** -0.86 * (1 - (i / (tenants - 1)) ** 4)
  })
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => (rows * weight) / sum)
}

async function countRows(client: pg.Client): Promise<Seeded> {
  const owned = ['users', 'projects', 'tasks', 'comments', 'attachments', 'activity']
  const result = await client.query<{ id: string; rows: number }>(
    `select tenant_id as id, count(*)::int as rows from (
      select id as tenant_id from tenants
      ${owned.map((name) => `union all select tenant_id from ${name}`).join('\n')}
      union all select tenant_id from checklist_items i join tasks t on t.id = i.task_id
    ) every_row group by tenant_id order by rows desc, tenant_id collate "C"`,
  )
  const tenants = result.rows
  return { tenants, rows: tenants.reduce((sum, tenant) => sum + tenant.rows, 0) }
}
