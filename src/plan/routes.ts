/**
 * A plan and two catalogues become routes: for each table, from where to where, by which key,
 * column by column, in an order that puts parents first. Pure; every contradiction becomes a
 * finding, so that a user sees all of them at once.
 */
import type { Catalog, CatalogTable, Finding } from './catalog.ts'
import { type ColumnRoute, renamed, routeColumns } from './columns.ts'
import { parentsFirst } from './order.ts'
import type { TenantPath } from './path.ts'
import type { Plan, TablePlan } from './plan.ts'
import { plannedTables, unclassifiedTables } from './tables.ts'
import { tenantPath } from './tenant-path.ts'

export interface Route {
  readonly source: CatalogTable
  readonly target: CatalogTable
  readonly sourcePath: TenantPath
  readonly targetPath: TenantPath
  /** Columns of a unique key, at the source; rows are read in its order. */
  readonly sourceKey: readonly string[]
  readonly targetKey: readonly string[]
  /** What is read at the source. Without a transform these are the target's columns, too. */
  readonly columns: readonly ColumnRoute[]
  readonly transform: TablePlan['transform']
  readonly plan: TablePlan
  /** Rows may point at rows of the same table. */
  readonly selfReference: boolean
  /** The route whose way back this is. */
  readonly backOf?: Route
  /** Why no row can go this way, though the way back can. */
  readonly blocked?: string
}

export interface Routing {
  /** Parents before children. */
  readonly routes: readonly Route[]
  readonly findings: readonly Finding[]
  /** Tables whose foreign keys form a circle at the target. */
  readonly cycle: readonly string[]
}

export function routeTables(plan: Plan, source: Catalog, target: Catalog): Routing {
  const findings: Finding[] = []
  const tables = plannedTables(plan, source, findings)
  findings.push(...unclassifiedTables(plan, source, tables))
  const routes: Route[] = []
  for (const table of tables) {
    const route = routeTable({ plan, table, tables, source, target, findings })
    if (route) routes.push(route)
  }
  findings.push(...sharedTargets(routes))
  const order = parentsFirst(routes.map((route) => route.target))
  return {
    routes: order.names.map((name) => routes.find((r) => r.target.name === name) as Route),
    findings: withoutRepetitions(findings),
    cycle: order.cycle,
  }
}

/** Tables that lead to the same parent meet the same trouble there; it is told once. */
function withoutRepetitions(findings: readonly Finding[]): Finding[] {
  const told = new Map(findings.map((finding) => [JSON.stringify(finding), finding]))
  return [...told.values()]
}

interface RouteInput {
  plan: Plan
  table: TablePlan
  tables: readonly TablePlan[]
  source: Catalog
  target: Catalog
  findings: Finding[]
}

function routeTable(input: RouteInput): Route | null {
  const { plan, table, tables, source, target, findings } = input
  const from = source.tables.get(table.name)
  const to = target.tables.get(table.to ?? table.name)
  if (!from) return null
  if (!to) {
    const name = `target table "${target.schema}.${table.to ?? table.name}"`
    findings.push({ where: `table "${table.name}"`, message: `${name} does not exist` })
    return null
  }
  const before = findings.length
  const sourcePath = tenantPath({ plan, table, tables, catalog: source, end: 'source', findings })
  const targetPath = tenantPath({ plan, table, tables, catalog: target, end: 'target', findings })
  const columns = routeColumns(table, { from, to, computed: source.computed, findings })
  const sourceKey = keyOf(table, from, findings)
  if (!sourcePath || !targetPath || findings.length > before) return null
  return {
    source: from,
    target: to,
    sourcePath,
    targetPath,
    sourceKey,
    targetKey: targetKeyOf(table, { sourceKey, columns, to }),
    columns,
    transform: table.transform,
    plan: table,
    selfReference: to.foreignKeys.some((key) => key.parent === to.name),
  }
}

function keyOf(table: TablePlan, from: CatalogTable, findings: Finding[]): readonly string[] {
  const where = `table "${table.name}"`
  const key = table.key ?? from.uniques.find((unique) => unique.primary)?.columns
  if (!key) {
    findings.push({ where, message: 'has no primary key: name unique columns with `key`' })
    return []
  }
  const missing = key.filter((name) => !from.columns.some((column) => column.name === name))
  if (missing.length > 0) {
    findings.push({ where, message: `key column "${missing[0]}" does not exist` })
  }
  return key
}

/** Its own primary key where the target has one, else the source's key under its new names. */
function targetKeyOf(
  table: TablePlan,
  known: { sourceKey: readonly string[]; columns: readonly ColumnRoute[]; to: CatalogTable },
): readonly string[] {
  const primary = known.to.uniques.find((unique) => unique.primary)?.columns
  if (primary) return primary
  return known.sourceKey.map((name) => renamed(table, name))
}

function sharedTargets(routes: readonly Route[]): Finding[] {
  const seen = new Map<string, string>()
  const findings: Finding[] = []
  for (const route of routes) {
    const other = seen.get(route.target.name)
    if (other !== undefined) {
      const message = `goes to "${route.target.name}", and so does table "${other}"`
      findings.push({ where: `table "${route.source.name}"`, message })
    }
    seen.set(route.target.name, route.source.name)
  }
  return findings
}
