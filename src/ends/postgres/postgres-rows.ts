/** The rows of a database, by way of an end's pool. */

import { inLists } from '../../parallel.ts'
import type { CatalogTable } from '../../plan/catalogs/catalog.ts'
import { withClient } from '../../postgres.ts'
import { ident, literal, qualified } from '../../quote.ts'
import type { SqlEnd } from '../end.ts'
import type { Answer, Page, Reading, Rows, Writer, Writing } from '../rows.ts'
import type { TenantRows } from '../tenant-rows.ts'
import { firstKeys } from '../weight.ts'
import { knownTenants } from './catalog/known-tenants.ts'
import { readCatalog, readStamp } from './catalog/read-catalog.ts'
import { readRelations } from './catalog/read-relations.ts'
import { existingKeys } from './compare/collisions.ts'
import { brokenReferences, repeatedKeys } from './compare/foreign-keys.ts'
import { findStrays } from './compare/strays.ts'
import { createChunkWriter } from './copy/chunk-writer.ts'
import { textRows } from './copy/copy-into.ts'
import { selectColumns } from './copy/copy-table.ts'
import { writerLeavingOut } from './copy/leaving-out.ts'
import { forgetNewIds, newIdsOf } from './copy/new-ids.ts'
import { forgetProgress, readProgress } from './copy/progress.ts'
import { readQuarantined } from './copy/quarantine.ts'
import { advanceSequence, largestId, positionOf } from './copy/sequences.ts'
import { drain } from './fence/drain.ts'
import { nameSession } from './fence/turns.ts'
import { scoped } from './postgres-end.ts'
import { fromTenant, tenantWhere } from './predicate.ts'
import { wipeTenant } from './removal/wipe.ts'
import { beginReading, enterPlan, leavePlan, queryPlan, readsPlanSql } from './search-path.ts'
import { asText, textBatches } from './text-batches.ts'

export function rowsAt(end: SqlEnd): Rows {
  const { pool, lifeline, schema } = end
  return {
    batchRows: Number.POSITIVE_INFINITY,
    describe: (plans) => readCatalog(pool, end, plans),
    stamp: () => readStamp(pool, schema),
    counts: (tables) => countRows(end, tables),
    drain: (options) => drain(pool, options),
    pages: (reading) => pagesOf(end, reading),
    write: (writing, work) => writeTo(end, writing, work),
    readProgress: (key) => readProgress(pool, scoped(end, key)),
    readQuarantined: (key) => readQuarantined(pool, scoped(end, key)),
    forgetProgress: (hold) => forgetProgress(lifeline, scoped(end, hold)),
    wipe: (hold, work) => wipeTenant(end, scoped(end, hold), work),
    repeatedKeys: (rows, key) => repeatedKeys(end, rows, key),
    emptyTables: (tables) => emptyTables(end, tables),
    existingKeys: (keys) => existingKeys(end, keys),
    brokenReferences: (rows, tables) => brokenReferences(end, rows, tables),
    largestId: (rows, column, order) =>
      largestId(end, {
        ...{ table: rows.table.name, column, where: tenantWhere(schema, rows) },
        descending: order?.descending ?? false,
      }),
    newIds: (space, old) => newIdsOf(end, scoped(end, space), old),
    forgetNewIds: (run) => forgetNewIds(end, scoped(end, run)),
    readRelations: (query) => readRelations(end, query),
    ask: (query, rowsMax) => askRows(end, query, rowsMax),
    positionOf: (sequence) => positionOf(end, sequence),
    strays: ({ tenant, tables }) => findStrays(pool, { schema, tenant, tables }),
    knownTenants: (tenants, tables) => knownTenants(end, tenants, tables),
    advanceSequence: (sequence, id) => advanceSequence(end, sequence, id),
  }
}

/** Relations that one statement locks: tables, their partitions, and the indexes of both. */
const relationsAtOnce = 100

/** The relations that a look at the table locks, as far as they are known. */
function relationsOf({ partitions, uniques }: CatalogTable): number {
  return (1 + partitions.length) * (1 + uniques.length)
}

async function countRows(end: SqlEnd, tables: readonly TenantRows[]): Promise<number[]> {
  const counts: number[] = []
  const few = inLists(tables, ({ table }) => relationsOf(table), { most: relationsAtOnce })
  for (const some of few) {
    const list = some.map((rows, place) => {
      return `(select count(*)::float8 from ${fromTenant(end.schema, rows)}) as c${place}`
    })
    const query = `select ${list.join(', ')}`
    const holdsPlanSql = some.some((rows) => readsPlanSql(rows, []))
    const answer = holdsPlanSql ? queryPlan(end.pool, end, query) : end.pool.query(query)
    const [found] = (await answer).rows
    counts.push(...some.map((_, place): number => found[`c${place}`]))
  }
  return counts
}

/** Whatever the query says, it changes nothing. */
async function askRows(end: SqlEnd, query: string, rowsMax: number): Promise<Answer> {
  return await withClient(end.pool, async (client) => {
    if (!end.within) await client.query('begin read only')
    const text = `select * from (${query}) q limit ${rowsMax}`
    const { rows, fields } = await queryPlan(client, end, { text, rowMode: 'array', types: asText })
    if (!end.within) await client.query('commit')
    return { columns: fields.map(({ name }) => name), rows }
  })
}

const pageRows = 500

async function emptyTables(end: SqlEnd, tables: readonly CatalogTable[]): Promise<Set<string>> {
  const empty = new Set<string>()
  for (const some of inLists(tables, relationsOf, { most: relationsAtOnce })) {
    const looks = some.map(({ name }) => {
      const rows = `select from ${qualified(end.schema, name)}`
      return `select ${literal(name)} as name where not exists (${rows})`
    })
    const { rows } = await end.pool.query(looks.join(' union all '))
    for (const { name } of rows) empty.add(name)
  }
  return empty
}

/** Does a unique index hold all of the columns? */
function areIndexed({ table, columns }: Reading): boolean {
  return table.uniques.some((unique) => {
    return columns.every(({ from }) => from !== null && unique.columns.includes(from))
  })
}

/** Under a fence the rows stand still, so that those that came can be counted off. */
async function* pagesOf(end: SqlEnd, reading: Reading): AsyncGenerator<Page, void, undefined> {
  const { key, columns, after, signal } = reading
  const order = key.map((name) => `r.${ident(name)}`).join(', ')
  const skip = after.rowsRead > 0 ? ` offset ${after.rowsRead}` : ''
  const query = `select ${selectColumns({ columns })} from ${fromTenant(end.schema, reading)}
    ${key.length > 0 ? `order by ${order}` : ''}${skip}`
  const client = await end.pool.connect()
  let read = false
  try {
    const holdsPlanSql = readsPlanSql(reading, columns)
    const named = nameSession(reading)
    if (!end.within) await client.query(`${beginReading(end, { holdsPlanSql })}; ${named}`)
    else await client.query(holdsPlanSql ? `${enterPlan(end)}; ${named}` : named)
    const first = areIndexed(reading) ? { firstRows: firstKeys } : {}
    for await (const rows of textBatches(client, query, { size: pageRows, ...first })) {
      signal.throwIfAborted()
      yield { rows, cursor: null, counted: true }
    }
    if (!end.within) await client.query('commit')
    else if (holdsPlanSql) await client.query(leavePlan)
    read = true
  } finally {
    // A cursor that is not at its end makes the connection unusable.
    client.release(!read)
  }
}

async function writeTo<T>(
  end: SqlEnd,
  writing: Writing,
  work: (writer: Writer) => Promise<T>,
): Promise<T> {
  const { hold: held, table, replicate, leavingOut } = writing
  if (leavingOut) return await work(writerLeavingOut(end, { ...writing, leavingOut }))
  return await withClient(end.pool, (client) => {
    const hold = scoped(end, held)
    const chunks = createChunkWriter(client, { end, table, hold, replicate })
    return work({
      isFull: () => false,
      write: async (rows, columns) => {
        if (rows.length === 0) return
        await chunks.write(textRows(rows, columns))
      },
      commit: (progress, quarantined) => chunks.commit(progress, quarantined),
    })
  })
}
