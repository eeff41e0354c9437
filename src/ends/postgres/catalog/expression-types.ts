/** Result types of the plan's own SQL, found by the source's parser. No query is run. */
import type { ClientBase } from 'pg'
import { RehomeError } from '../../../errors.ts'
import { type CatalogColumn, computedKey } from '../../../plan/catalogs/catalog.ts'
import type { TablePlan } from '../../../plan/plan.ts'
import { queryShape, type StreamPlan } from '../../../plan/stream.ts'
import { sqlStateOf, toRehomeError } from '../../../postgres.ts'
import { qualified } from '../../../quote.ts'
import { queryPlan, type Schemas } from '../search-path.ts'

/** The types of the plan's SQL expressions, as the source's own parser sees them. */
export async function computedTypes(
  client: ClientBase,
  end: Schemas,
  plans: readonly (TablePlan | StreamPlan)[],
): Promise<Map<string, string>> {
  const types = new Map<string, string>()
  for (const plan of plans) {
    if (plan.kind === 'stream') continue
    for (const [column, { sql }] of Object.entries(plan.columns.compute)) {
      const table = qualified(end.schema, plan.name)
      const ask = (rows: string) =>
        queryPlan(client, end, `select (${sql}) as value from ${rows} r limit 0`)
      const result = await ask(table)
        // Row security and missing rights are findings of their own: a row of nulls has the types.
        .catch((error) => {
          if (sqlStateOf(error) !== '42501') throw error
          return ask(`(select (null::${table}).*)`)
        })
        .catch(notOfPlan(`expression of "${plan.name}.${column}"`))
      types.set(
        computedKey(plan.name, column),
        await typeName(client, result.fields[0]?.dataTypeID),
      )
    }
  }
  return types
}

async function typeName(client: ClientBase, oid: number | undefined): Promise<string> {
  const query = 'select typname from pg_type where oid = $1'
  return (await client.query(query, [oid])).rows[0]?.typname ?? 'text'
}

/** Columns of each stream's query, by the stream's name. */
export async function queryColumns(
  client: ClientBase,
  end: Schemas,
  plans: readonly (TablePlan | StreamPlan)[],
): Promise<Map<string, CatalogColumn[]>> {
  const columns = new Map<string, CatalogColumn[]>()
  for (const plan of plans) {
    if (plan.kind !== 'stream' || typeof plan.from === 'string') continue
    const query = `select * from (${queryShape(plan.from)}) r limit 0`
    const { fields } = await queryPlan(client, end, query).catch(
      notOfPlan(`the query of stream "${plan.name}"`),
    )
    const queryColumns: CatalogColumn[] = []
    for (const { name, dataTypeID } of fields) {
      queryColumns.push(columnOf(name, await typeName(client, dataTypeID)))
    }
    columns.set(plan.name, queryColumns)
  }
  return columns
}

function columnOf(name: string, type: string): CatalogColumn {
  const none = { notNull: false, hasDefault: false, generated: false, identity: false }
  const columnType = { typeName: type, typeSql: `pg_catalog.${type}`, typeText: type }
  return { name, ...columnType, ...none, deterministic: true, virtual: false, sequence: null }
}

function notOfPlan(what: string): (error: unknown) => never {
  return (error) => {
    const cause = toRehomeError(error, what)
    if (cause.retryable) throw cause
    throw new RehomeError('PREFLIGHT_FAILED', cause.message, { cause: error })
  }
}
