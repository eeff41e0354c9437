/** The routes of a stream: one for each table of the target that it fills. Pure. */

import type { Catalog, CatalogColumn, CatalogTable, Finding } from '../catalogs/catalog.ts'
import { type Plan, table } from '../plan.ts'
import type { StreamPlan } from '../stream.ts'
import { asItIs, renumbered } from './columns.ts'
import type { EndTable, Route } from './route.ts'

export function streamsOf(plan: Plan): StreamPlan[] {
  return plan.tables.filter((entry) => entry.kind === 'stream')
}

interface StreamInput {
  readonly plan: Plan
  readonly stream: StreamPlan
  readonly source: Catalog
  readonly sources: readonly EndTable[]
  readonly targets: readonly EndTable[]
  readonly findings: Finding[]
}

export function routeStream(input: StreamInput): Route[] {
  const { plan, stream, targets } = input
  const complain = (message: string) =>
    input.findings.push({ where: `stream "${stream.name}"`, message })
  const from = originOf(input, complain)
  if (!from) return []
  const sourceKey = keyOf(stream, from.table, complain)
  return stream.to.flatMap((name): Route[] => {
    const to = targets.find((candidate) => candidate.table.name === name)
    if (!to) return []
    const targetKey = to.table.uniques.find((unique) => unique.primary)?.columns ?? []
    if (targetKey.length === 0) complain(`fills "${name}", which has no primary key`)
    return [
      {
        source: from.table,
        target: to.table,
        sourcePath: from.path,
        targetPath: to.path,
        sourceKey,
        targetKey,
        columns: from.table.columns.map((column) =>
          renumbered(plan, stream.newIds, asItIs(column)),
        ),
        transform: undefined,
        plan: table(from.table.name, { to: name }),
        selfReference: to.table.foreignKeys.some((key) => key.parent === name),
        newIds: stream.newIds ?? {},
        stream,
        siblings: targets.map(({ table }) => table).filter(({ name }) => stream.to.includes(name)),
      },
    ]
  })
}

type Complain = (message: string) => void

/** The table that is read, or what a query has instead of one. */
function originOf({ stream, source, sources }: StreamInput, complain: Complain): EndTable | null {
  const { from, name } = stream
  if (typeof from === 'string') {
    const plannedTable = sources.find(({ table: { name: planned } }) => planned === from)
    if (!plannedTable)
      complain(`reads "${from}", which is not planned: use \`sourceTable('${from}')\``)
    return plannedTable ?? null
  }
  const columns = source.queries?.get(name)
  if (!columns) {
    complain('is a query, and the source is no database: read a table')
    return null
  }
  // Its query has chosen the tenant's rows.
  return { table: queryTable(name, columns), path: { kind: 'column', column: '' } }
}

function queryTable(name: string, columns: readonly CatalogColumn[]): CatalogTable {
  const none = { uniques: [], foreignKeys: [], outerKeys: [], outerChildren: [], triggers: [] }
  const alone = { references: [], partitionKeys: [], reactions: [] }
  const also = { partitions: [], partitionColumns: [], unguardable: [], privileges: ['SELECT'] }
  return { name, columns, ...none, ...also, ...alone, rowSecurity: false, subscribed: false }
}

function keyOf(stream: StreamPlan, from: CatalogTable, complain: Complain): readonly string[] {
  const key = stream.key ?? from.uniques.find((unique) => unique.primary)?.columns ?? []
  if (key.length === 0) complain('needs a `key`: columns that tell its rows apart')
  const missing = [...key, ...stream.by].find((name) => !from.columns.some((c) => c.name === name))
  if (missing !== undefined) complain(`has no column "${missing}"`)
  if (stream.by.some((name, i) => key[i] !== name)) {
    complain(`gathers by (${stream.by.join(', ')}), so its \`key\` has to begin with that`)
  }
  return key
}
