/**
 * Runs an UPDATE or a DELETE in batches, along a unique key of its table. Each batch is committed
 * together with the key that it came to, so a command that was killed goes on there.
 *
 * Rows that get a key below the current one meanwhile are not visited: the release that expands
 * has to write them as they shall be. A batch that itself changes the key of a row is rolled back.
 */
import type { RangeVar } from 'libpg-query'
import { now, restAfter, round } from '../../../clock.ts'
import { RehomeError } from '../../../errors.ts'
import type { Batches } from '../../../lint/batches.ts'
import { loadParser } from '../../../lint/postgres/parse.ts'
import { ident, idents, literal } from '../../../quote.ts'
import { keysOfBatch, setsOffMore } from './batch-keys.ts'
import { nameOf } from './concurrent-unit.ts'
import type { SchemaSession } from './session.ts'
import { type Ran, runTransaction } from './transaction-unit.ts'
import type { Numbered } from './units.ts'

export interface BatchesOptions {
  readonly statement: Numbered
  readonly batches: Batches
  /** The key and the rows up to which an earlier command came. */
  readonly from: { readonly key: readonly string[] | null; readonly rows: number }
  readonly mark: (state: { key?: readonly string[]; rows: number; done: boolean }) => string
}

/** A batch is followed by a rest as long as it took. */
const share = 0.5

export async function runBatches(session: SchemaSession, options: BatchesOptions): Promise<Ran> {
  const { statement, batches, from, mark } = options
  const walk = await walkOf(session, statement, batches)
  const mayMove = 'UpdateStmt' in statement.node && (await setsOffMore(session, walk.relation))
  const beganAt = new Date()
  let { key, rows } = from
  let longest: Ran | null = null
  let attempts = 1
  for (;;) {
    session.signal?.throwIfAborted()
    const next = await lastKeyAfter(session, walk, key)
    if (!next) break
    const began = now()
    const before = rows
    const [ran] = await runTransaction(session, {
      begin: 'begin',
      statements: [walk.between(key, next)],
      mark: (changed) => mark({ key: next, rows: before + changed, done: false }),
      kept: mayMove ? keysOfBatch({ ...walk, range: walk.rangeOf(key, next) }) : undefined,
    })
    key = next
    rows += ran?.rows ?? 0
    attempts = Math.max(attempts, ran?.attempts ?? 1)
    if (ran && (ran.heldMs ?? 0) >= (longest?.heldMs ?? 0)) longest = ran
    await restAfter(now() - began, { share, signal: session.signal })
  }
  await session.end.lifeline.query(mark({ rows, done: true }))
  const { waitedMs = 0, heldMs = 0, locks = [] } = longest ?? {}
  return { attempts, beganAt, waitedMs, heldMs: round(heldMs ?? 0), locks, rows }
}

interface Walk {
  readonly keys: string
  readonly keyTexts: string
  readonly table: string
  /** The table alone, without ONLY. */
  readonly relation: string
  readonly size: number
  readonly lastFirst: string
  isAfter(key: readonly string[]): string
  /** A condition: after the one and up to the other. */
  rangeOf(after: readonly string[] | null, upTo: readonly string[]): string
  /** The statement, for keys after the one and up to the other. */
  between(after: readonly string[] | null, upTo: readonly string[]): string
}

async function walkOf(
  session: SchemaSession,
  { node, text }: Numbered,
  { key, size }: Batches,
): Promise<Walk> {
  const changed =
    'UpdateStmt' in node ? node.UpdateStmt : 'DeleteStmt' in node ? node.DeleteStmt : undefined
  const table = nameOf(changed?.relation)
  const types = await typesOfKey(session, table, key)
  const values = (at: readonly string[]) =>
    `(${at.map((value, i) => `${literal(value)}::${types[i]}`).join(', ')})`
  const { head, condition } = await dividedAtWhere(text)
  const own = key.map((column) => `${aliasOf(changed?.relation)}.${ident(column)}`).join(', ')
  return {
    keys: idents(key),
    keyTexts: key.map((column) => `${ident(column)}::text`).join(', '),
    table: changed?.relation?.inh === false ? `only ${table}` : table,
    relation: table,
    size,
    lastFirst: key.map((column) => `${ident(column)} desc`).join(', '),
    isAfter: (at) => `(${idents(key)}) > ${values(at)}`,
    rangeOf: (after, upTo) =>
      [
        `(${idents(key)}) <= ${values(upTo)}`,
        ...(after ? [`(${idents(key)}) > ${values(after)}`] : []),
      ].join(' and '),
    between: (after, upTo) =>
      [
        `${head}\nwhere (${own}) <= ${values(upTo)}`,
        ...(after ? [`(${own}) > ${values(after)}`] : []),
        ...(condition === null ? [] : [`(${condition}\n)`]),
      ].join('\n  and '),
  }
}

function aliasOf(relation: RangeVar | undefined): string {
  return ident(relation?.alias?.aliasname ?? relation?.relname ?? '')
}

/**
 * Throws PREFLIGHT_FAILED where the columns tell no two rows apart, no index has them so, or one is
 * generated: the statement could change it.
 */
async function typesOfKey(
  { client }: SchemaSession,
  table: string,
  key: readonly string[],
): Promise<string[]> {
  const query = `select a.attname as name, a.attnotnull and a.attgenerated = '' as "isKept",
      pg_catalog.format_type(a.atttypid, a.atttypmod) as type
    from pg_catalog.pg_attribute a
    where a.attrelid = pg_catalog.to_regclass($1) and a.attnum > 0 and not a.attisdropped`
  const { rows: columns } = await client.query(query, [table])
  const indexed = `select from pg_catalog.pg_index i
    where i.indrelid = pg_catalog.to_regclass($1) and i.indisunique and i.indisvalid
      and i.indpred is null and array(
        select a.attname::text from pg_catalog.unnest(i.indkey::int2[]) with ordinality k (num, at)
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.num
        where k.at <= i.indnkeyatts order by k.at) = $2::text[]
      and i.indnkeyatts = pg_catalog.cardinality($2::text[])`
  const isUnique = ((await client.query(indexed, [table, [...key]])).rowCount ?? 0) > 0
  const own = key.map((name) => columns.find((column) => column.name === name))
  if (isUnique && own.every((column) => column?.isKept)) return own.map(({ type }) => type)
  const message = `no unique index of ${table} has the columns ${idents(key)} alone, in this order, all NOT NULL and none generated`
  throw new RehomeError('PREFLIGHT_FAILED', message)
}

async function lastKeyAfter(
  { client }: SchemaSession,
  { keys, keyTexts, table, size, lastFirst, isAfter }: Walk,
  after: readonly string[] | null,
): Promise<string[] | null> {
  const condition = after ? `where ${isAfter(after)}` : ''
  const batch = `select ${keys} from ${table} ${condition} order by ${keys} limit ${size}`
  const query = `select ${keyTexts} from (${batch}) b order by ${lastFirst} limit 1`
  const { rows } = await client.query({ text: query, rowMode: 'array' })
  return rows[0] ?? null
}

/** Its only WHERE outside of parentheses: all other clauses stand before it. */
async function dividedAtWhere(text: string): Promise<{ head: string; condition: string | null }> {
  const { scanSync } = await loadParser()
  const bytes = Buffer.from(text)
  let depth = 0
  for (const { text: word, start, end } of scanSync(text).tokens) {
    if (word === '(') depth += 1
    else if (word === ')') depth -= 1
    else if (depth === 0 && /^where$/i.test(word))
      return {
        head: bytes.subarray(0, start).toString().trimEnd(),
        condition: bytes.subarray(end).toString().replace(/;\s*$/, ''),
      }
  }
  return { head: text.replace(/;\s*$/, ''), condition: null }
}
