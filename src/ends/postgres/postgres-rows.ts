/** The rows of a database, by way of an end's pool. */

import type { Catalog, CatalogTable } from '../../plan/catalogs/catalog.ts'
import { withClient } from '../../postgres.ts'
import { ident, literal, qualified } from '../../quote.ts'
import type { SqlEnd } from '../end.ts'
import type { Answer, Page, Reading, Rows, Writer, Writing } from '../rows.ts'
import type { TenantRows, Texts } from '../tenant-rows.ts'
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
import { advanceSequences, largestIds, positionsOf } from './copy/sequences.ts'
import { differingShared, settleBatch } from './copy/shared-rows.ts'
import { drain } from './fence/drain.ts'
import { nameSession } from './fence/turns.ts'
import { scoped } from './postgres-end.ts'
import { fromTenant } from './predicate.ts'
import { queryTogether } from './query-together.ts'
import { fewAtOnce } from './relations.ts'
import { wipeTenant } from './removal/wipe.ts'
import { beginReading, enterPlan, leavePlan, queryPlan, readsPlanSql } from './search-path.ts'
import { TenantParameters } from './tenant-of-rows.ts'
import { knownBySchema, ofTenant } from './tenant-schemas.ts'
import { asText, textBatches } from './text-batches.ts'

export function rowsAt(end: SqlEnd): Rows {
  const { pool, lifeline, schema } = end
  return {
    batchRows: Number.POSITIVE_INFINITY,
    takesWhole: true,
    describe: (plans) => describe(end, plans),
    stamp: () => readStamp(pool, schema),
    counts: (tables) => countRows(end, tables),
    drain: (options) => drain(pool, options),
    readAll: (readings) => readAll(end, readings),
    pages: (reading) => pagesOf(end, reading),
    write: (writing, work) => writeTo(end, writing, work),
    readProgress: (key) => readProgress(pool, scoped(end, key)),
    readQuarantined: (key) => readQuarantined(pool, scoped(end, key)),
    forgetProgress: (hold) => forgetProgress(lifeline, scoped(end, hold)),
    wipe: (hold, work) => wipeTenant(end, scoped(end, hold), work),
    repeatedKeys: (rows, key) => repeatedKeys(end, rows, key),
    emptyTables: (tables) => emptyTables(end, tables),
    existingKeys: (lists) => existingKeys(end, lists),
    brokenReferences: (of, tables) => brokenReferences(end, of, tables),
    largestIds: (uses) => largestIds(end, uses),
    newIds: (space, old) => newIdsOf(end, scoped(end, space), old),
    forgetNewIds: (run) => forgetNewIds(end, scoped(end, run)),
    readRelations: (query) => readRelations(end, query),
    ask: (query, rowsMax, withinMs) => askRows(end, query, { rowsMax, withinMs }),
    positionsOf: (sequences) => positionsOf(end, sequences),
    differingShared: ({ rows, ...settling }) =>
      differingShared(pool, { ...settling, schema }, rows),
    settleShared: (hold, batch) => settleBatch(end, scoped(end, hold), batch),
    strays: ({ tenant, tables }) => findStrays(pool, { schema, tenant, tables }),
    knownTenants: (tenants, tables) =>
      end.schemaOf ? knownBySchema(end, tenants) : knownTenants(end, tenants, tables),
    advanceSequences: (reached) => advanceSequences(end, reached),
  }
}

async function describe(end: SqlEnd, plans: Parameters<Rows['describe']>[0]): Promise<Catalog> {
  const { pool, tenant } = end
  const catalog = await readCatalog(pool, end, plans)
  return tenant === undefined ? catalog : ofTenant(catalog, tenant)
}

async function countRows(end: SqlEnd, tables: readonly TenantRows[]): Promise<number[]> {
  const counts: number[] = []
  const few = fewAtOnce(tables, ({ table }) => [table])
  for (const some of few) {
    const holdsPlanSql = some.some((rows) => readsPlanSql(rows, []))
    const parameters = holdsPlanSql ? undefined : new TenantParameters()
    const list = some.map((rows, place) => {
      const from = fromTenant(end.schema, rows, parameters)
      return `(select count(*)::float8 from ${from}) as c${place}`
    })
    const query = `select ${list.join(', ')}`
    const [row] = parameters
      ? (await end.pool.query(query, parameters.values)).rows
      : (await queryPlan(end.pool, end, query)).rows
    counts.push(...some.map((_, place): number => row[`c${place}`]))
  }
  return counts
}

/** Whatever the query is, it changes nothing. */
async function askRows(
  end: SqlEnd,
  query: string,
  { rowsMax, withinMs }: { readonly rowsMax: number; readonly withinMs: number | undefined },
): Promise<Answer> {
  return await withClient(end.pool, async (client) => {
    const limit = withinMs === undefined ? '' : `; set local statement_timeout = ${withinMs}`
    if (!end.within) await client.query(`begin read only${limit}`)
    const text = `select * from (${query}) q limit ${rowsMax}`
    const { rows, fields } = await queryPlan(client, end, { text, rowMode: 'array', types: asText })
    if (!end.within) await client.query('commit')
    return { columns: fields.map(({ name }) => name), rows }
  })
}

const pageRows = 500

async function emptyTables(end: SqlEnd, tables: readonly CatalogTable[]): Promise<Set<string>> {
  const empty = new Set<string>()
  for (const some of fewAtOnce(tables, (table) => [table])) {
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

async function readAll(end: SqlEnd, readings: readonly Reading[]): Promise<Texts[][]> {
  const holdsPlanSql = readings.some((reading) => readsPlanSql(reading, reading.columns))
  const [first] = readings
  if (!first) return []
  const around = end.within
    ? { begin: holdsPlanSql ? [enterPlan(end)] : [], end: holdsPlanSql ? [leavePlan] : [] }
    : { begin: [beginReading(end, { holdsPlanSql }), nameSession(first)], end: ['commit'] }
  const selects = readings.map((reading) => selectOf(end, reading))
  const statements = [...around.begin, ...selects, ...around.end]
  const options = { rowMode: 'array', types: asText }
  const results = await queryTogether(end.pool, statements, options)
  return results.filter(({ command }) => command === 'SELECT').map(({ rows }) => rows)
}

function selectOf(end: SqlEnd, { key, columns, after, ...rows }: Reading): string {
  const order =
    key.length > 0 ? ` order by ${key.map((name) => `r.${ident(name)}`).join(', ')}` : ''
  const skip = after.rowsRead > 0 ? ` offset ${after.rowsRead}` : ''
  const from = fromTenant(end.schema, rows)
  return `select ${selectColumns({ columns })} from ${from}${order}${skip}`
}

/** Under a fence the rows stand still, so that those that came can be counted off. */
async function* pagesOf(end: SqlEnd, reading: Reading): AsyncGenerator<Page, void, undefined> {
  const { columns, signal } = reading
  const client = await end.pool.connect()
  let read = false
  try {
    const holdsPlanSql = readsPlanSql(reading, columns)
    const named = nameSession(reading)
    if (!end.within) await client.query(`${beginReading(end, { holdsPlanSql })}; ${named}`)
    else await client.query(holdsPlanSql ? `${enterPlan(end)}; ${named}` : named)
    const first = areIndexed(reading) ? { firstRows: firstKeys } : {}
    for await (const rows of textBatches(client, selectOf(end, reading), {
      size: pageRows,
      ...first,
    })) {
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
