/**
 * Rows of everybody that a tenant needs, at the end that it moves to: inserted where they are
 * missing, and compared. SQL for the caller's transaction.
 *
 * Others insert, change and delete such rows at the same time, moves of other tenants among them.
 * So a row is inserted unless it is there, locked so that it stays until the rows that refer to it
 * are committed, and compared as it is then. All do so in the order of the keys. One that was
 * deleted between the insert and the lock is inserted again.
 */
import type { CatalogForeignKey } from '../../../plan/catalogs/catalog.ts'
import { type Client, inTransactionOf } from '../../../postgres.ts'
import { ident, idents, literal, qualified } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { Hold } from '../../flags.ts'
import type { SettledRows, Settling, SharedBatch, SharedRow } from '../../rows.ts'
import type { Texts } from '../../tenant-rows.ts'
import { beginWriting } from '../fence/begin-writing.ts'
import { holdReceiving } from '../fence/holds.ts'
import { columnsEqual, isKept } from '../matching.ts'
import { listedKeys } from '../predicate.ts'

const triesMax = 3

/** A batch in a transaction of its own, so that no other writer of such rows waits for long. */
export async function settleBatch(
  end: SqlEnd,
  hold: Hold,
  { rows, ...settling }: SharedBatch,
): Promise<SettledRows> {
  const begin = beginWriting({ replicate: settling.replicate })
  return await inTransactionOf(end.pool, begin, async (client) => {
    await holdReceiving(client, hold, end)
    await client.query('savepoint before')
    const settled = await settleShared(client, { ...settling, schema: end.schema }, rows)
    const isWrong = settled.missing.length + settled.broken.length > 0
    if (isWrong || settling.takenBack) await client.query('rollback to before')
    return settled
  })
}

interface SettlingAt extends Settling {
  readonly schema: string
}

/** `rows`: texts of the columns. */
export async function settleShared(
  client: Client,
  settling: SettlingAt,
  rows: readonly Texts[],
): Promise<SettledRows> {
  const { inserts } = settling
  const at = listing(settling, rows)
  const isDue = settling.updates && settable(at).length > 0 && (await anyDiffers(client, at))
  let inserted = 0
  let present: SharedRow[] = []
  for (
    let tries = 1;
    tries <= (inserts ? triesMax : 1) && present.length < rows.length;
    tries += 1
  ) {
    if (inserts) inserted += (await client.query(insertOf(at))).rowCount ?? 0
    const locked = `${comparisonOf(at)} for ${isDue ? lockToUpdate(at) : 'key share'} of r`
    present = (await client.query<SharedRow>(locked)).rows
  }
  const differing = present.filter(({ columns }) => columns.length > 0)
  return {
    inserted,
    differing,
    updated: isDue ? ((await client.query(updateOf(at))).rowCount ?? 0) : 0,
    missing: present.length < rows.length ? await missingOf(client, at) : [],
    broken: settling.replicate ? await brokenOf(client, at) : [],
  }
}

/** Those that are there and differ; nothing is locked. */
export async function differingShared(
  client: Pick<Client, 'query'>,
  settling: SettlingAt,
  rows: readonly Texts[],
): Promise<SharedRow[]> {
  const answer = await client.query<SharedRow>(comparisonOf(listing(settling, rows)))
  return answer.rows.filter(({ columns }) => columns.length > 0)
}

function listing(settling: SettlingAt, rows: readonly Texts[]): At {
  const { table, columns } = settling
  return { ...settling, listed: `(${listedKeys(table, { columns, values: rows })}) k` }
}

interface At extends SettlingAt {
  /** The rows as a relation `k` with values of the target's types. */
  readonly listed: string
}

function tableOf({ schema, table }: At): string {
  return qualified(schema, table.name)
}

/** A row `r` of the table is the listed `k`. */
function isRow({ table, key }: At): string {
  const value = (name: string) => `k.${ident(name)}`
  return columnsEqual(table, key, { alias: 'r', value })
}

function keyText({ key }: At): string {
  return `row(${key.map((name) => `k.${ident(name)}`).join(', ')})::text`
}

function keyOrder({ key }: At): string {
  return key.map((name) => `k.${ident(name)}`).join(', ')
}

function insertOf(at: At): string {
  return `insert into ${tableOf(at)} (${idents(at.columns)}) overriding system value
    select ${at.columns.map((name) => `k.${ident(name)}`).join(', ')} from ${at.listed}
    order by ${keyOrder(at)} on conflict do nothing`
}

/** Texts are compared: not every type has an operator for equal values. */
function differs(name: string): string {
  const text = (alias: string) => `${alias}.${ident(name)}::text collate "C"`
  return `${text('r')} is distinct from ${text('k')}`
}

function comparisonOf(at: At): string {
  const names = at.compared.map((name) => `case when ${differs(name)} then ${literal(name)} end`)
  const columns = `array_remove(array[${names.join(', ')}]::text[], null)`
  return `select ${keyText(at)} as key, ${columns} as columns
    from ${at.listed} join ${tableOf(at)} r on ${isRow(at)}
    order by ${keyOrder(at)}`
}

/** The columns that an update may change. */
function settable({ compared, key }: At): string[] {
  return compared.filter((name) => !key.includes(name))
}

function anyDiffering(at: At): string {
  return settable(at).map(differs).join(' or ')
}

async function anyDiffers(client: Client, at: At): Promise<boolean> {
  const query = `select from ${at.listed} join ${tableOf(at)} r on ${isRow(at)}
    where ${anyDiffering(at)} limit 1`
  return (await client.query(query)).rowCount === 1
}

/**
 * The lock of the update, which depends on the columns that it sets: two moves that first shared a
 * lock, and then both updated, would each wait for the other.
 */
function lockToUpdate(at: At): string {
  const set = settable(at)
  const isKey = at.table.uniques.some(({ columns }) => columns.some((name) => set.includes(name)))
  return isKey ? 'update' : 'no key update'
}

function updateOf(at: At): string {
  const set = settable(at).map((name) => `${ident(name)} = k.${ident(name)}`)
  return `update ${tableOf(at)} r set ${set.join(', ')} from ${at.listed}
    where ${isRow(at)} and (${anyDiffering(at)})`
}

async function missingOf(client: Client, at: At): Promise<string[]> {
  const query = `select ${keyText(at)} as key from ${at.listed}
    where not exists (select from ${tableOf(at)} r where ${isRow(at)}) order by ${keyOrder(at)}`
  return (await client.query<{ key: string }>(query)).rows.map(({ key }) => key)
}

/** Judges the rows as they are there: what was kept may refer to others than at the source. */
async function brokenOf(client: Client, at: At): Promise<string[]> {
  const { foreignKeys, outerKeys } = at.table
  const isBrought = ({ columns, parent, undeclared }: CatalogForeignKey) =>
    !undeclared &&
    columns.every((name) => at.columns.includes(name)) &&
    !at.takenBack?.includes(parent)
  const keys = [...foreignKeys, ...outerKeys].filter(isBrought)
  if (keys.length === 0) return []
  const looks = keys.map((key) => {
    const own = (name: string) => `r.${ident(name)}`
    const notNull = key.columns.map((name) => `${own(name)} is not null`)
    return `select ${literal(key.name)} as name where exists (select from ${at.listed}
      join ${tableOf(at)} r on ${isRow(at)}
      where ${notNull.join(' and ')} and not ${isKept(key, own)})`
  })
  return (await client.query<{ name: string }>(looks.join(' union all '))).rows.map(
    ({ name }) => name,
  )
}
