/**
 * The tenants in the databases of the chaos, and how the ends are filled with them.
 *
 * Invariant: bystanders are in no plan and have no writers, so that every change of one is
 * a fault.
 */
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import type { EndName } from '../demo/application/ledger.ts'

export type Ends<T> = Readonly<Record<EndName, T>>

export const endNames = ['source', 'target'] as const satisfies readonly EndName[]

/** Tenants whose rollbacks may discard writes: the ledger asks less of them. */
export const discarding: readonly string[] = ['discard-1', 'discard-2']

const busy = Array.from({ length: 13 }, (_, i) => `tenant-${String(i + 1).padStart(2, '0')}`)

/** All that move. The names of the last two mean something to SQL and to a shell. */
export const tenants: readonly string[] = [...busy, `o'clock; --`, ...discarding]

export const counterNames = ['one', 'two', 'three'] as const

/** Entries that a tenant begins with: a few, and some thousand for the first. */
function seedRows(tenant: string): number {
  return tenant === tenants[0] ? 2_500 : 20 + 15 * tenants.indexOf(tenant)
}

/** Tenants live at the source; bystanders at both ends. */
export async function fillEnds(urls: Ends<string>): Promise<void> {
  const schema = await readFile(new URL('./schema.sql', import.meta.url), 'utf8')
  await Promise.all(
    endNames.map(async (end) => {
      const client = new pg.Client({ connectionString: urls[end] })
      await client.connect()
      try {
        await client.query(schema)
        for (let i = 1; i <= 4; i++) await addTenant(client, `bystander-${end}-${i}`, 30)
        await client.query('update tenants set bystander = true')
        if (end === 'target') return
        for (const tenant of tenants) await addTenant(client, tenant, seedRows(tenant))
      } finally {
        await client.end()
      }
    }),
  )
}

async function addTenant(client: pg.ClientBase, tenant: string, rows: number) {
  await client.query(`insert into tenants (id, name) values ($1, 'Name of ' || $1)`, [tenant])
  const counters = 'insert into counters (tenant_id, name) select $1, unnest($2::text[])'
  await client.query(counters, [tenant, counterNames])
  const entries = `insert into entries (tenant_id, body)
    select $1, E'seed\\t\\\\N "' || g || E'"\\n' from generate_series(1, $2::int) g`
  await client.query(entries, [tenant, rows])
  const tags = `insert into entry_tags select id, 'seed' from entries where tenant_id = $1`
  await client.query(tags, [tenant])
  const visits = `insert into visits (tenant_id, day, hits)
    select $1, date '2025-12-01' + g, g from generate_series(1, 60) g`
  await client.query(visits, [tenant])
}
