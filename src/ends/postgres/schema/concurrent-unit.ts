/**
 * Runs statements that refuse to run in a transaction: CONCURRENTLY and VACUUM. Nothing is
 * committed together with them: how far one came shows in what it was to make or remove.
 */
import type { Node, RangeVar } from 'libpg-query'
import { now, round } from '../../../clock.ts'
import { strings } from '../../../lint/postgres/nodes.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import { watchHeld, watchLocks } from './lock-watch.ts'
import type { SchemaSession } from './session.ts'
import type { Ran } from './transaction-unit.ts'
import { NotYet, tried, withBlockers } from './tries.ts'
import type { Numbered } from './units.ts'

export interface ConcurrentOptions {
  readonly statement: Numbered
  /** An earlier command has begun it, and may have ended it. */
  readonly wasBegun: boolean
  /** Marks it as begun, before it runs for the first time. */
  readonly onBegin: () => Promise<void>
}

/** Work that a statement has left to do. */
type Rest = 'all' | 'nothing' | { readonly instead: string }

export async function runConcurrent(
  session: SchemaSession,
  { statement, wasBegun, onBegin }: ConcurrentOptions,
): Promise<Ran> {
  const beganAt = new Date()
  let begun = wasBegun
  return await withLongWait(session, async () => {
    const { result, attempts } = await tried(session, async () => {
      await clearInvalid(session, statement.node)
      const rest = begun ? await restOf(session, statement.node) : 'all'
      if (rest === 'nothing') return { waitedMs: 0, heldMs: null, locks: [] }
      if (!begun) await onBegin()
      begun = true
      const ran = await run(session, typeof rest === 'string' ? statement.text : rest.instead)
      await refuseInvalid(session, statement)
      return ran
    }).catch(async (error: unknown) => {
      // It would slow down writes, and a unique one would still refuse them.
      await clearInvalid(session, statement.node).catch(() => {})
      throw error
    })
    return { ...result, attempts, beganAt, rows: null }
  })
}

async function run(
  { client, pool, pid }: SchemaSession,
  text: string,
): Promise<Pick<Ran, 'waitedMs' | 'heldMs' | 'locks'>> {
  const watch = watchHeld(pool, pid)
  const waits = watchLocks(pool, pid)
  const sent = now()
  try {
    await client.query(text)
    // Its waits for other transactions lie in between: the lock is held meanwhile.
    return { waitedMs: 0, heldMs: round(now() - sent), locks: watch.locks() }
  } catch (error) {
    throw withBlockers(error, waits)
  } finally {
    watch.stop()
    waits.stop()
  }
}

/** CONCURRENTLY waits for old transactions, and neither readers nor writers wait for it. */
async function withLongWait<T>(
  { client, timing }: SchemaSession,
  work: () => Promise<T>,
): Promise<T> {
  const { rows } = await client.query(`select pg_catalog.current_setting('lock_timeout') as was`)
  await client.query(`set lock_timeout = ${timing.concurrentWaitMs}`)
  try {
    return await work()
  } finally {
    const before = literal(String(rows[0].was))
    await client.query(`set lock_timeout = ${before}`).catch(() => {})
  }
}

/** Removes invalid indexes that a failed statement of this kind has left. */
async function clearInvalid(session: SchemaSession, node: Node): Promise<void> {
  for (const index of await invalidIndexes(session, node)) {
    await session.client.query(`drop index concurrently if exists ${index}`)
  }
}

/** Quoted names. An index that another session is building is no leftover: it locks the table. */
async function invalidIndexes({ client }: SchemaSession, node: Node): Promise<string[]> {
  const from = `from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where not i.indisvalid and not exists (
      select from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
      where l.relation = i.indrelid and l.mode = 'ShareUpdateExclusiveLock' and l.granted
        and a.usesysid is not null and a.pid <> pg_catalog.pg_backend_pid())`
  const query = `select n.nspname as schema, c.relname as name ${from}`
  const namesWhere = async (condition: string, values: string[]) => {
    const { rows } = await client.query(`${query} and ${condition}`, values)
    return rows.map(({ schema, name }) => qualified(schema, name))
  }
  if ('IndexStmt' in node) {
    const { idxname = '', relation } = node.IndexStmt
    const own = 'i.indrelid = pg_catalog.to_regclass($1) and c.relname = $2::name'
    return await namesWhere(own, [nameOf(relation), idxname])
  }
  if (!('ReindexStmt' in node) || !node.ReindexStmt.relation) return []
  const { relation } = node.ReindexStmt
  const own = `c.relname ~ '_cc(new|old)[0-9]*$' and (i.indrelid = pg_catalog.to_regclass($1)
    or i.indrelid = (select o.indrelid from pg_catalog.pg_index o
      where o.indexrelid = pg_catalog.to_regclass($1)))`
  return await namesWhere(own, [nameOf(relation)])
}

/** IF NOT EXISTS is content with an invalid index, such as one that another session has left. */
async function refuseInvalid(session: SchemaSession, { node }: Numbered): Promise<void> {
  if (!('IndexStmt' in node) || (await restOf(session, node)) === 'nothing') return
  const { idxname = '', relation } = node.IndexStmt
  const message =
    `${nameOf(relation)} has no valid index "${idxname}" behind this statement: another session ` +
    'has left it invalid, or another table has an index of this name'
  throw new NotYet(message)
}

/** For a statement that was begun, and whose end is not known. */
async function restOf({ client }: SchemaSession, node: Node): Promise<Rest> {
  const isThere = async (query: string, values: readonly string[]) =>
    ((await client.query(query, [...values])).rowCount ?? 0) > 0
  if ('IndexStmt' in node) {
    const { idxname = '', relation } = node.IndexStmt
    // An invalid one has been removed.
    const query = `select from pg_catalog.pg_index i
      join pg_catalog.pg_class c on c.oid = i.indexrelid
      where i.indrelid = pg_catalog.to_regclass($1) and c.relname = $2::name and i.indisvalid`
    return (await isThere(query, [nameOf(relation), idxname])) ? 'nothing' : 'all'
  }
  if ('DropStmt' in node) {
    const names = (node.DropStmt.objects ?? []).map((one) =>
      'List' in one ? strings(one.List.items).map(ident).join('.') : '',
    )
    const query = 'select where pg_catalog.to_regclass($1) is not null'
    return (await isThere(query, names.slice(0, 1))) ? 'all' : 'nothing'
  }
  if (!('AlterTableStmt' in node)) return 'all'
  const parent = nameOf(node.AlterTableStmt.relation)
  const [command] = node.AlterTableStmt.cmds ?? []
  const def = command && 'AlterTableCmd' in command ? command.AlterTableCmd.def : undefined
  const partition = nameOf(def && 'PartitionCmd' in def ? def.PartitionCmd.name : undefined)
  const attached = `select from pg_catalog.pg_inherits h
    where h.inhparent = pg_catalog.to_regclass($1) and h.inhrelid = pg_catalog.to_regclass($2)`
  if (!(await isThere(attached, [parent, partition]))) return 'nothing'
  const isPending = await isThere(`${attached} and h.inhdetachpending`, [parent, partition])
  const instead = `alter table ${parent} detach partition ${partition} finalize`
  return isPending ? { instead } : 'all'
}

/** Name of a table as SQL writes it; without a schema it is found by the search path. */
export function nameOf(relation: RangeVar | undefined): string {
  const { schemaname, relname = '' } = relation ?? {}
  return schemaname === undefined ? ident(relname) : qualified(schemaname, relname)
}
