// Measures the locks that a statement takes on tables, and whether it writes a table again.
import type pg from 'pg'
import { isStronger, type Lock, locksOf } from '../../../src/lint/postgres/locks.ts'
import { loadParser, parseSql } from '../../../src/lint/postgres/parse.ts'
import { Scene } from '../../../src/lint/postgres/scene.ts'
import { sitesOf } from '../../../src/lint/postgres/site.ts'
import { lockModes } from '../../../src/lint/rule.ts'

export interface Measured {
  /** `table: MODE`, the strongest. Those that any query takes are left out. */
  readonly locks: readonly string[]
  readonly rewrites: boolean
  /** Were rows of a table read? Unknown outside of a transaction. */
  readonly scans?: boolean
}

/** Files of tables with rows: TRUNCATE makes a new one, too, and writes nothing. */
type Files = ReadonlyMap<string, string>

const findFiles = `
  select relname as table, pg_relation_filenode(oid) as file from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'm')
    and pg_relation_size(oid) > 0`
const findLocks = `
  select c.relname as table, l.mode from pg_locks l join pg_class c on c.oid = l.relation
  where l.pid = $1 and c.oid = any ($2)`
const findScans = `select sum(seq_tup_read)::int as scans from pg_stat_xact_user_tables
  where schemaname = 'public'`
const findOids = `
  select array_agg(oid) as oids from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'm')`

/** Runs it in a transaction, which is rolled back. */
export async function measure(pool: pg.Pool, sql: string): Promise<Measured> {
  const client = await pool.connect()
  try {
    const look = await lookAt(pool, client)
    await client.query('begin')
    const before = await scansOf(client)
    await client.query(sql)
    const locks = await look.locks()
    const rewrites = differs(look.files, await filesOf(client))
    return { locks, rewrites, scans: (await scansOf(client)) > before }
  } finally {
    await client.query('rollback')
    client.release()
  }
}

/** Runs it outside of a transaction. A writer keeps it waiting, so that its locks can be seen. */
export async function measureOutside(pool: pg.Pool, sql: string): Promise<Measured> {
  const [writer, client] = [await pool.connect(), await pool.connect()]
  try {
    const look = await lookAt(pool, client)
    await writer.query('begin; lock table orders in row exclusive mode')
    let isOver = false
    const done = client.query(sql).finally(() => {
      isOver = true
    })
    let locks = await look.locks()
    while (locks.length === 0 && !isOver) locks = await look.locks()
    await writer.query('commit')
    await done
    return { locks, rewrites: differs(look.files, await filesOf(client)) }
  } finally {
    await writer.query('rollback')
    for (const one of [writer, client]) one.release()
  }
}

async function lookAt(observer: pg.Pool, client: pg.PoolClient) {
  const { pid } = (await client.query('select pg_backend_pid() as pid')).rows[0]
  const { oids } = (await client.query(findOids)).rows[0]
  const locks = async () => {
    const { rows } = await observer.query(findLocks, [pid, oids])
    return texts(rows.map(({ table, mode }): Lock => ({ table, mode: modeOf(mode) })))
  }
  return { files: await filesOf(client), locks }
}

/** Those of the session that it has not reported yet, the current transaction among them. */
async function scansOf(client: pg.PoolClient): Promise<number> {
  return (await client.query(findScans)).rows[0].scans
}

async function filesOf(client: pg.PoolClient): Promise<Files> {
  const { rows } = await client.query(findFiles)
  return new Map(rows.map(({ table, file }) => [table, file]))
}

function differs(before: Files, after: Files): boolean {
  return [...before].some(([table, file]) => after.has(table) && after.get(table) !== file)
}

/** `ShareRowExclusiveLock` → `SHARE ROW EXCLUSIVE`. */
function modeOf(text: string): Lock['mode'] {
  const words = text.replace(/Lock$/, '').replaceAll(/(?<!^)(?=[A-Z])/g, ' ')
  const mode = lockModes.find((one) => one === words.toUpperCase())
  if (!mode) throw new Error(`"${text}" is no lock of a table`)
  return mode
}

function texts(locks: readonly Lock[]): string[] {
  const tables = [...new Set(locks.map(({ table }) => table))].sort()
  return tables.flatMap((table) => {
    const own = locks.filter((lock) => lock.table === table).map(({ mode }) => mode)
    const mode = own.reduce((left, right) => (isStronger(right, left) ? right : left))
    return isStronger(mode, 'ROW SHARE') ? [`${table}: ${mode}`] : []
  })
}

/** Locks that the rules claim for the last of these statements. */
export async function claimedLocks(schema: string, sql: string): Promise<string[]> {
  const parser = await loadParser()
  const scene = new Scene({ version: 18, planned: new Set() })
  const before = parseSql(parser, schema).statements
  scene.beginFile({ wrapping: 'none' }, before.length)
  for (const statement of before) scene.apply(statement)
  const known = new Set(scene.created)
  scene.beginFile({ wrapping: 'none' }, 1)
  const [statement] = parseSql(parser, sql).statements
  const locks = statement ? locksOf(sitesOf(statement, scene)) : []
  return texts(locks.filter(({ table }) => known.has(table)))
}
