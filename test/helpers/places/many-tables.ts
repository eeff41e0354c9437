// Tenants with any number of tables that refer to each other, in any shape, a writer for each of
// them that follows its tenant from home to home, and an oracle: every write that was acknowledged
// is repeated in a database of the oracle's own, where no tenant moves.
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { discover, type PlanInput, table } from '../../../src/plan/plan.ts'
import { createDatabase, type TestDatabase } from '../database.ts'
import type { Spot } from './places.ts'

/** Ids of tenant `t7` begin at 7 millions: rows tell by nothing else whose they are. */
const span = 1_000_000
const numberOf = (tenant: string) => Number(tenant.slice(1))

/** A table with its parent. Every third one has no tenant's column in shared tables. */
interface Made {
  readonly name: string
  readonly parent: string | null
  readonly isChild: boolean
}

function madeTables(count: number): Made[] {
  return Array.from({ length: count }, (_, i) => {
    const parent = i === 0 ? null : `made_${Math.floor((i - 1) / 2)}`
    return { name: `made_${i}`, parent, isChild: i % 3 === 2 }
  })
}

/** Entries of a plan for them. */
export function plannedTables(count: number): Pick<PlanInput, 'tables'> {
  const children = madeTables(count).filter(({ isChild }) => isChild)
  const names = children.map(({ name }) => name)
  return {
    tables: [
      discover({ exclude: names }),
      ...names.map((name) => table(name, { through: 'parent' })),
    ],
  }
}

const schemaAt = ({ shape, tenant }: Pick<Spot, 'shape' | 'tenant'>) =>
  shape === 'schema' ? `tenant_${tenant}` : 'public'

/** Makes the tables of a spot. `schema`: instead of the tenant's. */
export async function makeMany(spot: Spot, count: number, schema = schemaAt(spot)): Promise<void> {
  const tables = madeTables(count).map(({ name, parent, isChild }) => {
    const own = spot.shape === 'column' && !isChild ? 'tenant_id text not null,' : ''
    const refers = parent ? `references ${schema}.${parent} on delete cascade` : ''
    return `create table ${schema}.${name} (${own} id bigint primary key,
      parent bigint ${refers}, words text not null, number numeric(12, 2))`
  })
  await spot.at.pool.query([`create schema if not exists ${schema}`, ...tables].join(';\n'))
}

const rowsOfTable = 4

/** Rows of the tenant, which no writer removes. */
export async function fillMany(spot: Spot, count: number): Promise<void> {
  await spot.at.pool.query(
    madeTables(count)
      .flatMap((made) => Array.from({ length: rowsOfTable }, (_, i) => insertText(spot, made, i)))
      .join(';\n'),
  )
}

function insertText(
  spot: Pick<Spot, 'shape' | 'tenant'>,
  { name, parent, isChild }: Made,
  id: number,
): string {
  const first = numberOf(spot.tenant) * span
  const isShared = spot.shape === 'column' && !isChild
  const [column, value] = isShared ? ['tenant_id, ', `'${spot.tenant}', `] : ['', '']
  const above = parent ? `${first + (id % rowsOfTable)}` : 'null'
  return `insert into ${schemaAt(spot)}.${name} (${column}id, parent, words, number)
    values (${value}${first + id}, ${above}, 'row ${id} of ${name}', ${id} / 4.0)`
}

/** One write of the application, the same in every shape. */
function writeText(
  spot: Pick<Spot, 'shape' | 'tenant'>,
  tables: readonly Made[],
  n: number,
): string {
  const made = tables[(n * 7) % tables.length] ?? tables[0]
  if (!made) throw new Error('there is no table')
  const first = numberOf(spot.tenant) * span
  const at = `${schemaAt(spot)}.${made.name}`
  const own = (id: number) => `where id = ${first + id}`
  // Never one of the first rows, to which others refer.
  const before = (rounds: number) => 100 + Math.max(0, n - tables.length * rounds)
  if (n % 5 === 1) return `update ${at} set words = words || '.' ${own(n % rowsOfTable)}`
  if (n % 5 === 2) return `delete from ${at} ${own(before(5))}`
  if (n % 5 === 3) return `update ${at} set id = id + 500000 ${own(before(10))}`
  return insertText(spot, made, 100 + n)
}

export interface Followed extends AsyncDisposable {
  /** Writes that were acknowledged. */
  readonly count: number
  /** Resolves when it has written so many times more. */
  wrote(times: number): Promise<void>
}

interface Following {
  readonly shadow: TestDatabase
  readonly count: number
  /** Number of its first write. Ids of new rows are made of it. */
  readonly first: number
}

/** Answers of a closed end: PostgreSQL checks constraints before triggers of statements. */
const refusals: readonly string[] = ['25006', '40001', '23503', '23505']

/**
 * Writes as an application does that makes sure of its tenant first: shared tables take a statement
 * that finds no row at a closed end, too.
 */
async function isTaken(spot: Spot, tables: readonly Made[], n: number): Promise<boolean> {
  const client = await spot.at.pool.connect()
  const root = `${schemaAt(spot)}.${tables[0]?.name}`
  const first = numberOf(spot.tenant) * span
  try {
    await client.query('begin')
    const touched = await client.query(`update ${root} set words = words where id = ${first + 1}`)
    if (touched.rowCount === 1) await client.query(writeText(spot, tables, n))
    await client.query('commit')
    return touched.rowCount === 1
  } catch (error) {
    await client.query('rollback')
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!refusals.includes(code)) throw error
    return false
  } finally {
    client.release()
  }
}

/**
 * Writes for the tenant at whichever of the spots takes it, one statement after the other, each
 * until it is acknowledged.
 */
export function followWith(spots: readonly Spot[], { shadow, count, first }: Following): Followed {
  const tables = madeTables(count)
  const stop = new AbortController()
  let acknowledged = 0
  let at = 0
  const waiting = new Set<() => void>()
  const one = async (n: number) => {
    for (const begun = Date.now(); !stop.signal.aborted; at += 1) {
      const spot = spots[at % spots.length]
      if (!spot) throw new Error('there is no spot')
      if (await isTaken(spot, tables, n)) {
        await shadow.pool.query(writeText({ ...spot, shape: 'column' }, tables, n))
        acknowledged += 1
        return
      }
      if (Date.now() - begun > 90_000) throw new Error(`no spot takes write ${n}`)
      await delay(20)
    }
  }
  const work = (async () => {
    for (let n = first; !stop.signal.aborted; n += 1) {
      await one(n)
      for (const look of waiting) look()
      await delay(3)
    }
  })()
  work.catch(() => {})
  return {
    get count() {
      return acknowledged
    },
    wrote: (times) => {
      const until = acknowledged + times
      const reached = new Promise<void>((resolve) => {
        const look = () => {
          if (acknowledged < until) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
      })
      return Promise.race([work, reached])
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await work
    },
  }
}

/** A database with shared tables for the oracle. */
export async function createShadow(count: number): Promise<TestDatabase> {
  const shadow = await createDatabase()
  await makeMany({ shape: 'column', tenant: '', at: shadow }, count)
  return shadow
}

/**
 * All rows of all tables of a database but those of rehome, as all shapes have them, behind the
 * number of the tenant that their ids tell. Rows of a tenant's schema have to be that tenant's.
 */
export async function wholeOf({ pool }: Pick<TestDatabase, 'pool'>): Promise<string[]> {
  const { rows: tables } = await pool.query<{ schema: string; name: string }>(`
    select n.nspname as schema, c.relname as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema$|rehome)' order by 1, 2`)
  const all: string[] = []
  for (let i = 0; i < tables.length; i += 200) {
    const queries = tables.slice(i, i + 200).map(
      ({ schema, name }) => `select '${schema}' as schema, r.id / ${span} as number,
        '${name} ' || (to_jsonb(r) - 'tenant_id')::text as row from ${schema}.${name} r`,
    )
    const { rows } = await pool.query(queries.join(' union all '))
    for (const { schema, number, row } of rows) {
      if (schema !== 'public') expect(schema).toBe(`tenant_t${number}`)
      all.push(`${number} ${row}`)
    }
  }
  return all.sort()
}
