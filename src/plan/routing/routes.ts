/**
 * A plan and two catalogues become routes: for each table, from where to where, by which key,
 * column by column, in an order that puts parents first. Pure; every contradiction becomes a
 * finding, so that a user sees all of them at once.
 */
import type { Catalog, CatalogTable, Finding } from '../catalogs/catalog.ts'
import type { Plan, TablePlan } from '../plan.ts'
import { type ColumnInput, type ColumnRoute, renamed, renumbered, routeColumns } from './columns.ts'
import { pathsOf } from './followed-paths.ts'
import { parentsFirst } from './order.ts'
import type { TenantPath } from './path.ts'
import type { EndTable, Route } from './route.ts'
import { type Translations, translationsOf, withSharedIds } from './shared-ids.ts'
import { routeStream, streamsOf } from './stream-routes.ts'
import { filledTables, plannedTables, unclassifiedTables } from './tables.ts'
import { tenantPath } from './tenant-path.ts'
import { withReferences } from './undeclared.ts'
import { isShared, tableNameAt } from './ways.ts'

export interface Routing {
  /** Parents before children. */
  readonly routes: readonly Route[]
  readonly sources: readonly EndTable[]
  readonly targets: readonly EndTable[]
  readonly findings: readonly Finding[]
  /** Tables whose foreign keys form a circle at the target. */
  readonly cycle: readonly string[]
  /** Tables with rows of everybody, parents before children. Their paths find those of a tenant. */
  readonly shared: readonly Route[]
}

export function routeTables(plan: Plan, ...catalogs: readonly [Catalog, Catalog]): Routing {
  const findings: Finding[] = []
  const named = withReferences(plan, catalogs)
  const tables = plannedTables(plan, { source: named[0], target: named[1] }, findings)
  const [source, target] = withReferences(plan, named, tables)
  const filled = filledTables(plan)
  const across = tables.filter(({ side }) => side === undefined)
  const everybodys = tables.filter(isShared)
  const at = {
    plan,
    source,
    target,
    findings,
    translations: translationsOf(tables, source),
    atSource: tables,
    atTarget: [...across, ...everybodys, ...filled],
  }
  const own = isSameSchema(source, target) ? at.atTarget.map(targetNameOf) : []
  findings.push(...unclassifiedTables(plan, source, { planned: tables, own }))
  const routes = across.flatMap((table) => routeTable({ ...at, table }) ?? [])
  const sources = endTables(at, 'source')
  const targets = endTables(at, 'target')
  for (const stream of streamsOf(plan))
    routes.push(...routeStream({ ...at, stream, sources, targets }))
  const shared = everybodys.flatMap((table) => routeTable({ ...at, table }) ?? [])
  findings.push(...sharedTargets([...routes, ...shared]))
  const order = parentsFirst(targets.map(({ table }) => table))
  return {
    routes: inThisOrder(routes, order.names),
    sources,
    targets,
    findings: withoutRepetitions(findings),
    cycle: order.cycle,
    shared: inOrder(shared),
  }
}

function inOrder(routes: readonly Route[]): Route[] {
  const declared = routes.map(({ target }) => {
    return { ...target, foreignKeys: target.foreignKeys.filter((key) => !key.undeclared) }
  })
  const { names } = parentsFirst(declared)
  return inThisOrder(routes, names)
}

/** `names`: of the targets. Of several routes to one of them the first. */
function inThisOrder(routes: readonly Route[], names: readonly string[]): Route[] {
  const routeTo = new Map(routes.toReversed().map((route) => [route.target.name, route]))
  return names.flatMap((name) => routeTo.get(name) ?? [])
}

function isSameSchema(source: Catalog, target: Catalog): boolean {
  return source.database === target.database && source.schema === target.schema
}

function targetNameOf(table: TablePlan): string {
  return tableNameAt(table, 'target')
}

/** Those that exist and whose rows are known to be a tenant's. */
function endTables(at: RoutingInput, end: 'source' | 'target'): EndTable[] {
  const { plan, findings } = at
  const tables = end === 'source' ? at.atSource : at.atTarget
  const own = tables.filter((table) => !isShared(table))
  return own.flatMap((table) => {
    const relation = at[end].tables.get(tableNameAt(table, end))
    if (!relation && table.side === 'target') {
      const message = `does not exist in schema "${at[end].schema}" of the target`
      findings.push({ where: `target table "${table.name}"`, message })
    }
    const path = tenantPath({ plan, table, tables, catalog: at[end], end, findings })
    return relation && path ? [{ table: relation, path, tenantless: table.nobody }] : []
  })
}

/** Drops repeated findings: tables that lead to the same parent have the same one there. */
function withoutRepetitions(findings: readonly Finding[]): Finding[] {
  const byText = new Map(findings.map((finding) => [JSON.stringify(finding), finding]))
  return [...byText.values()]
}

interface RoutingInput {
  readonly plan: Plan
  readonly source: Catalog
  readonly target: Catalog
  readonly findings: Finding[]
  readonly translations: Translations
  readonly atSource: readonly TablePlan[]
  readonly atTarget: readonly TablePlan[]
}

function routeTable(input: RoutingInput & { readonly table: TablePlan }): Route | null {
  const { plan, table, atSource, atTarget, source, target, findings, translations } = input
  const from = source.tables.get(table.name)
  const to = target.tables.get(table.to ?? table.name)
  if (!from) return null
  if (!to) {
    const name = `target table "${target.schema}.${table.to ?? table.name}"`
    findings.push({ where: `table "${table.name}"`, message: `${name} does not exist` })
    return null
  }
  const before = findings.length
  const paths = { plan, table, findings }
  const { sourcePath, targetPath } = pathsOf(plan, {
    source: { ...paths, tables: atSource, catalog: source, end: 'source' },
    target: { ...paths, tables: atTarget, catalog: target, end: 'target' },
  })
  const read = routeColumns(table, {
    from,
    to,
    findings,
    computed: source.computed,
    ...betweenShapes(sourcePath, targetPath),
    renumber: (column) => renumbered(plan, table.newIds, column),
  })
  const columns = withSharedIds(table, read, translations)
  const sourceKey = keyOf(table, from, findings)
  const sharedIds = translations.all.get(table.name)
  if (!sourcePath || !targetPath || findings.length > before) return null
  return {
    source: from,
    target: to,
    sourcePath,
    targetPath,
    sourceKey,
    targetKey: targetKeyOf(table, { sourceKey, columns, to }),
    columns,
    newIds: table.newIds ?? {},
    ...(sharedIds && { sharedIds }),
    transform: table.transform,
    plan: table,
    selfReference: to.foreignKeys.some((key) => key.parent === to.name),
  }
}

/** The tenant's column comes, or goes, where only one end tells tenants apart by it. */
function betweenShapes(
  source: TenantPath | null,
  target: TenantPath | null,
): Pick<ColumnInput, 'arrives' | 'leaves'> {
  if (source?.kind === 'whole' && target?.kind === 'column') {
    return { arrives: { column: target.column, tenant: source.tenant } }
  }
  const leaves = source?.kind === 'column' && target?.kind === 'whole'
  return leaves ? { leaves: source.column } : {}
}

function keyOf(table: TablePlan, from: CatalogTable, findings: Finding[]): readonly string[] {
  const where = `table "${table.name}"`
  const key = table.key ?? from.uniques.find((unique) => unique.primary)?.columns
  if (!key) {
    findings.push({ where, message: `has no primary key: ${keyToName(from)}` })
    return []
  }
  const missing = key.filter((name) => !from.columns.some((column) => column.name === name))
  if (missing.length > 0) {
    findings.push({ where, message: `key column "${missing[0]}" does not exist` })
  }
  const unordered = from.columns.find((c) => key.includes(c.name) && c.operators === null)
  if (unordered) {
    const { name, typeText } = unordered
    const why = 'which has no default btree operator class, so rows cannot be distinguished by it'
    const message = `key column "${name}" is of type ${typeText}, ${why}; name other columns with \`key\``
    findings.push({ where, message })
  }
  return key
}

/** Advice for a table without a primary key. */
function keyToName({ uniques, columns }: CatalogTable): string {
  const isFilled = (name: string) => columns.some((one) => one.name === name && one.notNull)
  const unique = uniques.find((one) => one.columns.every(isFilled))
  const names = unique?.columns.map((name) => `'${name}'`).join(', ')
  return unique
    ? `set \`key: [${names}]\`, the columns of "${unique.name}"`
    : 'name unique columns with `key`'
}

/** Its own primary key where the target has one, else the source's key under its new names. */
function targetKeyOf(
  table: TablePlan,
  route: { sourceKey: readonly string[]; columns: readonly ColumnRoute[]; to: CatalogTable },
): readonly string[] {
  const primary = route.to.uniques.find((unique) => unique.primary)?.columns
  if (primary) return primary
  return route.sourceKey.map((name) => renamed(table, name))
}

function sharedTargets(routes: readonly Route[]): Finding[] {
  const sourceOf = new Map<string, string>()
  const findings: Finding[] = []
  for (const route of routes) {
    const other = sourceOf.get(route.target.name)
    if (other !== undefined) {
      const message = `goes to "${route.target.name}", as table "${other}" does: give them different targets`
      findings.push({ where: `table "${route.source.name}"`, message })
    }
    sourceOf.set(route.target.name, route.source.name)
  }
  return findings
}
