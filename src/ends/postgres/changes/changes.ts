/**
 * Which of a captured tenant's rows have changed since a snapshot: conditions on the rows of the
 * source, from its log of changes. brought-keys.ts has the form in which the target gets them.
 *
 * Rows that find their tenant through a parent have changed where that parent came, went or became
 * another, too, at any height above them.
 */

import type { QueryResult } from 'pg'
import { RehomeError } from '../../../errors.ts'
import {
  type AnyPath,
  followedPath,
  isFar,
  type Step,
  stepsOf,
} from '../../../plan/routing/path.ts'
import type { Route } from '../../../plan/routing/route.ts'
import type { Client } from '../../../postgres.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import type { FlagKey } from '../../flags.ts'
import { amongSelected, collationOf, hasParentAmong } from '../matching.ts'
import { goesThisWay, tenantPredicate, withDescendants } from '../tenant-of-rows.ts'
import { type Logged, logTableOf } from './change-log.ts'

/** A table whose changes are logged. */
export interface ChangedTable {
  readonly route: Route
  readonly log: Logged
  /** The columns by which other planned tables' rows find their tenant through this one. */
  readonly childKey: { readonly source: readonly string[]; readonly target: readonly string[] }
}

export interface Changes {
  readonly key: FlagKey
  /** The target's state: changes that this snapshot of the source does not see. null: all. */
  readonly since: string | null
  /** Changes that this snapshot of the source does not see are left for later. None: all count. */
  readonly until?: string
  /** Rows have changed with their parents whatever it was that changed there. */
  readonly everyChild?: boolean
  /** All tables of the plan, parents first. */
  readonly tables: readonly ChangedTable[]
}

export function logged(changes: Changes, { log }: ChangedTable): string {
  const { key, until } = changes
  const all = `from ${logTableOf(log)} l where l.rehome_tenant = ${literal(key.tenant)}`
  const from = until
    ? `${all} and pg_catalog.pg_visible_in_snapshot(l.rehome_xid, ${literal(until)}::pg_snapshot)`
    : all
  if (changes.since === null) return from
  const since = `${literal(changes.since)}::pg_snapshot`
  return `${from}
    and l.rehome_xid >= pg_catalog.pg_snapshot_xmin(${since})
    and not pg_catalog.pg_visible_in_snapshot(l.rehome_xid, ${since})`
}

/** Table → changes in its log, as this session sees them. Throws SCHEMA_CHANGED. */
export async function countChanges(
  source: Client,
  changes: Changes,
): Promise<ReadonlyMap<string, number>> {
  return countsOf(changes, await source.query(selectChanges(changes)))
}

/** The statement whose result `countsOf` reads. */
export function selectChanges(changes: Changes): string {
  const counts = changes.tables.map((table, i) => {
    const torn = `count(*) filter (where num_nulls(${list('l', neverNull(table))}) > 0) > 0`
    return `select ${i} as i, count(*)::int as n, ${torn} as torn ${logged(changes, table)}`
  })
  return counts.join(' union all ')
}

/** Table → changes in its log. Throws SCHEMA_CHANGED. */
export function countsOf(changes: Changes, { rows }: QueryResult): ReadonlyMap<string, number> {
  return new Map(
    rows.map(({ i, n, torn }: { i: number; n: number; torn: boolean }) => {
      const name = changes.tables[i]?.route.source.name ?? ''
      if (!torn) return [name, n]
      const message = `the key of "${name}" has another type than when its changes were logged`
      throw new RehomeError('SCHEMA_CHANGED', message)
    }),
  )
}

/** Columns that are null only in entries that were logged under another schema. */
function neverNull({ route, log }: ChangedTable): readonly string[] {
  const names = [...log.log.columns.map(({ name }) => name), 'rehome_tenant']
  const filled = (name: string) => route.source.columns.some((c) => c.name === name && c.notNull)
  return names.filter((name) => name === 'rehome_tenant' || filled(name))
}

/** Rows there that have changed, themselves or with their parents. */
export async function countChanged(
  source: Client,
  changes: Changes,
  table: ChangedTable,
): Promise<number> {
  const name = qualified(table.log.schema, table.route.source.name)
  const query = `select count(*)::int as n from ${name} r where ${changedOfTenant(changes, table)}`
  return (await source.query(query)).rows[0].n
}

/** Over `r`, a row of the source's table. */
export function changedOfTenant(changes: Changes, table: ChangedTable): string {
  return `${ofTenant(changes, table)} and ${changedAtSource(changes, table)}`
}

export function ofTenant({ key }: Changes, { route, log }: ChangedTable): string {
  return tenantPredicate(route.sourcePath, { schema: log.schema, alias: 'r', tenant: key.tenant })
}

/** The condition for a row that is known to be the tenant's. */
export function changedAtSource(changes: Changes, table: ChangedTable): string {
  const columns = table.route.sourceKey
  const values = changedValues(changes, table, { columns, children: false })
  return amongSelected(table.route.source, { alias: 'r', columns }, values)
}

/**
 * Rows `r` that have changed with rows above them, as they are at the source, and that the target
 * does not find below its own: their parents may still be below others there, or rows there do not
 * find their tenant by these parents. Then they may have become another tenant's, too, which no
 * entry of theirs tells. Empty: there are none.
 */
export function changedOnlyHere(changes: Changes, table: ChangedTable): string {
  const { route, log } = table
  const { sourcePath } = route
  const isFound = stepsOf(sourcePath).every((step) => goesBothWays(changes, route, step.parent))
  if (isFound && !isFar(sourcePath)) return ''
  const above = changedWithParent(changes, table, 'r')
  if (!above) return ''
  const whose = isFound ? `${ofTenant(changes, table)} and ` : ''
  return `${qualified(log.schema, route.source.name)} r where ${whose}${above}`
}

/** Rows find their tenant through this table of the source, and through its other half there. */
function goesBothWays({ tables }: Changes, { targetPath }: Route, parent: string): boolean {
  const other = tables.find(({ route }) => route.source.name === parent)
  return stepsOf(followedPath(targetPath)).some((step) => step.parent === other?.route.target.name)
}

/**
 * Rows of the source change with the other half of this table of the target, and so come again with
 * its rows. Where only the target has such a way, rows that went with their parents would be lost.
 */
export function changesWith({ tables }: Changes, { sourcePath }: Route, parent: string): boolean {
  const other = tables.find(({ route }) => route.target.name === parent)
  return stepsOf(sourcePath).some((step) => step.parent === other?.route.source.name)
}

/** The condition for a row whose children have changed with it. */
export function changedForChildren(changes: Changes, table: ChangedTable): string {
  const columns = table.childKey.source
  const values = changedValues(changes, table, { columns, children: true })
  return amongSelected(table.route.source, { alias: 'r', columns }, values)
}

/** Columns of a table's rows that stand in its log, or changed with their parents. */
function changedValues(
  changes: Changes,
  table: ChangedTable,
  { columns, children }: { columns: readonly string[]; children: boolean },
): string {
  const { route, log } = table
  const only = children && !changes.everyChild ? ' and l.rehome_children' : ''
  const entry = columns.map((column) => `l.${ident(column)}${collationOf(route.source, column)}`)
  const own = `select ${entry.join(', ')} ${logged(changes, table)}${only}`
  const above = changedWithParent(changes, table, 'p')
  const name = qualified(log.schema, route.source.name)
  return above ? `${own} union all select ${list('p', columns)} from ${name} p where ${above}` : own
}

/** The condition for row `alias` of the table. null: it has its tenant itself. */
function changedWithParent(changes: Changes, table: ChangedTable, alias: string): string | null {
  const { sourcePath: path } = table.route
  const { schema } = table.log
  const conditions = stepsOf(path).flatMap((step) => {
    const itself = path.kind === 'any' && path.selves.includes(step)
    const among = itself
      ? changedAmongOwn(changes, table, { path, schema })
      : changedParents(changes, step)
    if (among === null) return []
    const match = hasParentAmong(step, (column) => `${alias}.${ident(column)}`, among)
    return [`${goesThisWay(step, alias)}${match}`]
  })
  return conditions.length === 0 ? null : `(${conditions.join(' or ')})`
}

function changedParents(changes: Changes, step: Step): string | null {
  const parent = changes.tables.find(({ route }) => route.source.name === step.parent)
  return parent
    ? changedValues(changes, parent, { columns: step.parentColumns, children: true })
    : null
}

/** Keys of rows whose own rows below them have changed with them, at any depth. */
function changedAmongOwn(
  changes: Changes,
  table: ChangedTable,
  { path, schema }: { readonly path: AnyPath; readonly schema: string },
): string {
  const { route } = table
  const direct = { ...path, selves: [] }
  const alone = { ...table, route: { ...route, sourcePath: direct } }
  const keys = changedValues(changes, alone, { columns: path.key, children: true })
  return withDescendants(path, { schema }, keys)
}

function list(alias: string, columns: readonly string[]): string {
  return columns.map((column) => `${alias}.${ident(column)}`).join(', ')
}
