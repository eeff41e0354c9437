/**
 * The tables that a plan means: those it names and those it asks to discover; and those that it
 * must name, because they touch a planned table or hold the tenant's column. Pure.
 */
import type { Catalog, CatalogForeignKey, CatalogTable, Finding } from '../catalogs/catalog.ts'
import { type Plan, type TablePlan, table, targetTable } from '../plan.ts'
import { followedTables, lineToPlan } from './followed-tables.ts'
import { isShared } from './ways.ts'

export function plannedTables(
  plan: Plan,
  { source, target }: { readonly source: Catalog; readonly target: Catalog },
  findings: Finding[],
): TablePlan[] {
  const named = namedTables(plan).filter(({ side }) => side !== 'target')
  for (const entry of named) {
    if (source.tables.has(entry.name)) continue
    const message = `does not exist in schema "${source.schema}" of the source`
    findings.push({ where: `table "${entry.name}"`, message })
  }
  for (const name of missingExclusions(plan, [source, target])) {
    findings.push({
      where: `exclude "${name}"`,
      message: 'is no table of the source or the target',
    })
  }
  const names = new Set(named.map((entry) => entry.name))
  const discovered = discoveredTables(plan, source).filter((entry) => !names.has(entry.name))
  for (const [i, entry] of discovered.entries()) {
    const first = discovered.findIndex((other) => other.name === entry.name)
    if (first === i) continue
    const columns = `"${discovered[first]?.tenant}" and "${entry.tenant}"`
    const message = `is discovered by both ${columns}: name it, and its \`tenant\``
    findings.push({ where: `table "${entry.name}"`, message })
  }
  const tables = [...named, ...new Map(discovered.map((entry) => [entry.name, entry])).values()]
  const follows = plan.tables.some((entry) => entry.kind === 'discover' && entry.follow === true)
  if (!follows) return tables
  const excluded = new Set(excludedTables(plan))
  return [...tables, ...followedTables(source, { planned: tables, excluded })]
}

function namedTables(plan: Plan): TablePlan[] {
  return plan.tables.filter((entry) => entry.kind === 'table')
}

/** Tables of the target that streams fill. */
export function filledTables(plan: Plan): TablePlan[] {
  const named = namedTables(plan).filter(({ side }) => side === 'target')
  const streams = plan.tables.filter((entry) => entry.kind === 'stream')
  const names = new Set(named.map(({ name }) => name))
  const others = [...new Set(streams.flatMap(({ to }) => to))].filter((name) => !names.has(name))
  return [...named, ...others.map((name) => targetTable(name))]
}

function discoveredTables(plan: Plan, source: Catalog): TablePlan[] {
  return plan.tables
    .filter((entry) => entry.kind === 'discover')
    .flatMap(({ column, exclude }) =>
      tablesWith(source, column)
        .filter((name) => !exclude.includes(name) && !excludedByPlan(plan).includes(name))
        .map((name) => table(name, { tenant: column })),
    )
}

function tablesWith(catalog: Catalog, column: string): string[] {
  return [...catalog.tables.values()]
    .filter((entry) => isWhole(entry) || entry.columns.some(({ name }) => name === column))
    .map((entry) => entry.name)
}

/** Its schema is the tenant's own. */
function isWhole({ path }: CatalogTable): boolean {
  return path?.kind === 'whole'
}

function missingExclusions(plan: Plan, catalogs: readonly Catalog[]): string[] {
  // An end over HTTP tells of nothing but what it moves.
  if (plan.source.kind === 'http') return []
  const outside = new Set(
    catalogs.flatMap(({ tables, schema }) =>
      [...tables.values()].flatMap((entry) => outsideOf(entry, schema)),
    ),
  )
  const exists = (name: string) =>
    catalogs.some(({ tables }) => tables.has(name)) || outside.has(name)
  return excludedTables(plan).filter((name) => !exists(name))
}

function excludedTables(plan: Plan): string[] {
  const discovered = plan.tables.flatMap((entry) =>
    entry.kind === 'discover' ? entry.exclude : [],
  )
  return [...excludedByPlan(plan), ...discovered]
}

function excludedByPlan(plan: Plan): string[] {
  return plan.exclude.map(({ table: name }) => name)
}

/** Tables whose rows may go on referring to rows that move away. */
export function tablesLeft(plan: Plan): string[] {
  const everybodys = plan.tables.flatMap((entry) =>
    entry.kind === 'table' && entry.sharing?.leaveReferences ? entry.name : [],
  )
  const excluded = plan.exclude.filter(({ leaveReferences }) => leaveReferences)
  return [...everybodys, ...excluded.map(({ table: name }) => name)]
}

/** A table's keys within its schema, those of single partitions among them. */
export function keysOfTable(entry: CatalogTable): CatalogForeignKey[] {
  return [...entry.foreignKeys, ...entry.partitionKeys]
}

/**
 * Rows of a table that the plan does not mention would be lost; so each such table has to be named.
 */
export function unclassifiedTables(
  plan: Plan,
  source: Catalog,
  context: { readonly planned: readonly TablePlan[]; readonly own: readonly string[] },
): Finding[] {
  const names = new Set(context.planned.map((entry) => entry.name))
  const owned = new Set(context.planned.filter((one) => !isShared(one)).map(({ name }) => name))
  // Of the target, where both models live in one schema.
  const excluded = new Set([...excludedTables(plan), ...context.own])
  const here = [...source.tables.values()]
    .filter((entry) => !names.has(entry.name) && !excluded.has(entry.name))
    .flatMap((entry) => {
      const why = reasonToPlan(entry, { plan, source, names, owned })
      const line = lineToPlan(entry, {
        source,
        known: names,
        owned,
        tenantColumn: plan.tenantColumn,
      })
      const planIt = line ? `plan it, \`${line}\`, or` : 'plan it or'
      const message = `${why}: ${planIt} put it into \`exclude\``
      return why ? [{ where: `table "${entry.name}"`, message }] : []
    })
  const outside = [...source.tables.values()]
    .filter((entry) => names.has(entry.name))
    .flatMap((entry) =>
      outsideOf(entry, source.schema).map((name) => ({ name, planned: entry.name })),
    )
    .filter(({ name }) => !excluded.has(name))
    .map(({ name, planned: to }) => ({
      where: `table "${name}"`,
      message: `of another schema has a foreign key to or from "${to}" and cannot move: put it into \`exclude\``,
    }))
  return [...here, ...outside]
}

/** `schema.table` of those in other schemas that refer to it, or that it refers to. */
function outsideOf(entry: CatalogTable, schema: string): string[] {
  const ofPartitions = entry.partitionKeys.filter(({ parentSchema }) => parentSchema !== schema)
  const parents = [...entry.outerKeys, ...ofPartitions].map(
    (key) => `${key.parentSchema}.${key.parent}`,
  )
  return [...entry.outerChildren, ...parents]
}

function reasonToPlan(
  entry: CatalogTable,
  context: { plan: Plan; source: Catalog; names: ReadonlySet<string>; owned: ReadonlySet<string> },
): string | null {
  if (isWhole(entry)) return "is in the tenant's schema and is not planned"
  if (entry.columns.some((column) => column.name === context.plan.tenantColumn)) {
    return `has the tenant's column "${context.plan.tenantColumn}" and is not planned`
  }
  const schema = context.source.schema
  const keysIn = (table?: CatalogTable) =>
    table ? keysOfTable(table).filter((key) => key.parentSchema === schema) : []
  // A row may refer to one of everybody without being a tenant's.
  const to = keysIn(entry).find((key) => context.owned.has(key.parent))
  if (to) return `refers to planned table "${to.parent}" and is not planned`
  for (const name of context.names) {
    const from = keysIn(context.source.tables.get(name)).find((key) => key.parent === entry.name)
    if (from) return `is referred to by planned table "${name}" and is not planned`
  }
  return null
}
