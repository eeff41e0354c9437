/**
 * Removes rows, in the caller's transaction: every removal of ours goes through here. What is
 * removed is exactly what the condition finds; fewer rows, as where a trigger or a rule of the
 * application keeps them, end the transaction.
 */
import { RehomeError } from '../../../errors.ts'
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import { type Client, sqlStateOf } from '../../../postgres.ts'
import { ident, qualified } from '../../../quote.ts'
import { pageWeightMax } from '../../weight.ts'
import { asText } from '../text-batches.ts'

export interface Removal {
  readonly schema: string
  readonly table: CatalogTable
  /** A condition on the rows `r`. */
  readonly where: string
  /** At most so many rows. null: all. */
  readonly limit: number | null
  /**
   * Columns whose values in removed rows are returned: with a limit no more rows go than have a
   * page of these.
   */
  readonly columns?: readonly string[]
}

export interface Removed {
  readonly rows: number
  /** For each of the columns PostgreSQL's text of an array, in the same order of rows. */
  readonly values: readonly string[]
}

/**
 * In one statement, so that rows of several tables may refer to each other. Throws
 * ROWS_NOT_REMOVED.
 */
export async function removeRows(client: Client, removals: readonly Removal[]): Promise<Removed[]> {
  const parts = removals.map(partsOf)
  const answers = removals.map(
    (_, i) => `(select rows from due${i}), (select count(*) from gone${i})`,
  )
  const values = removals.flatMap(({ columns = [] }, i) =>
    columns.map((_, c) => `(select coalesce(array_agg(v${c}), '{}') from gone${i})`),
  )
  const text = `with ${parts.join(',\n')} select ${[...answers, ...values].join(', ')}`
  const query = { text, rowMode: 'array', types: asText } as const
  const result = await client.query<string[]>(query).catch((error: unknown) => {
    throw sqlStateOf(error) === '0A000' ? keptByRule(removals, error) : error
  })
  const [row = []] = result.rows
  let at = removals.length * 2
  return removals.map(({ table, columns = [] }, i) => {
    const [due, rows] = [Number(row[i * 2]), Number(row[i * 2 + 1])]
    if (rows !== due) throw kept(table, { due, rows })
    const values = row.slice(at, at + columns.length)
    at += columns.length
    return { rows, values }
  })
}

/** In a partitioned table one ctid may mean a row in each partition: all match the condition. */
function partsOf({ schema, table, where, limit, columns = [] }: Removal, i: number): string {
  const name = qualified(schema, table.name)
  const among = `r.ctid = any (array(select ctid from chosen${i})) and `
  const chosen = `chosen${i} as materialized (${chosenRows(name, where, { limit, columns })}),`
  const condition = limit === null ? where : `${among}${where}`
  const returned = ['1 as one', ...columns.map((column, c) => `r.${ident(column)}::text as v${c}`)]
  return `${limit === null ? '' : chosen}
    due${i} as materialized (select count(*) as rows from ${name} r where ${condition}),
    gone${i} as (delete from ${name} r where ${condition} returning ${returned.join(', ')})`
}

/** No more than so many, and no more than a page of these columns' values; one at least. */
function chosenRows(
  name: string,
  where: string,
  { limit, columns }: { readonly limit: number | null; readonly columns: readonly string[] },
): string {
  if (columns.length === 0) return `select r.ctid from ${name} r where ${where} limit ${limit}`
  const weights = columns.map((column) => `coalesce(length(r.${ident(column)}::text), 0)`)
  return `select c.ctid from (
      select r.ctid, row_number() over w as n, sum(${weights.join(' + ')}) over w as weight
      from ${name} r where ${where} window w as (rows unbounded preceding) limit ${limit}) c
    where c.n = 1 or c.weight <= ${pageWeightMax}`
}

function kept({ name }: CatalogTable, { due, rows }: { due: number; rows: number }): RehomeError {
  const message = `"${name}": of ${due} rows ${rows} could be removed, as a trigger keeps them: nothing was removed, and \`rehome check\` names it`
  return new RehomeError('ROWS_NOT_REMOVED', message, { data: { table: name, due, rows } })
}

function keptByRule(removals: readonly Removal[], cause: unknown): RehomeError {
  const names = removals.map(({ table }) => `"${table.name}"`).join(', ')
  const message = `${names}: a rule stands in for DELETE: nothing was removed, and \`rehome check\` names it`
  return new RehomeError('ROWS_NOT_REMOVED', message, { cause })
}
