/**
 * The keys of changed rows, as the target knows them: brought there by a round, in the transaction
 * that replaces those rows and then removes the keys again.
 */

import type { CatalogReference } from '../../../plan/catalogs/catalog.ts'
import { childName } from '../../../plan/catalogs/dependents.ts'
import { sourceOf } from '../../../plan/routing/identity.ts'
import { followedPath, isRecursive, type Step, stepsOf } from '../../../plan/routing/path.ts'
import type { Route } from '../../../plan/routing/route.ts'
import { asTheyWere } from '../../../plan/routing/shared-ids.ts'
import type { TransformContext } from '../../../plan/transform-context.ts'
import type { Client } from '../../../postgres.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import { keyReader } from '../../../transform/key-reader.ts'
import type { SqlEnd } from '../../end.ts'
import type { FlagKey } from '../../flags.ts'
import type { Texts } from '../../tenant-rows.ts'
import { selectColumns, selectRows } from '../copy/copy-table.ts'
import {
  amongSelected,
  byEquality,
  collationOf,
  columnsEqual,
  hasParentAmong,
  isKept,
  isParent,
  leadingTo,
} from '../matching.ts'
import { aroundPlanSql, type Schemas } from '../search-path.ts'
import { goesThisWay, tenantPredicate } from '../tenant-of-rows.ts'
import { arrayOfTexts, textBatches } from '../text-batches.ts'
import {
  type ChangedTable,
  type Changes,
  changedAtSource,
  changedForChildren,
  changedOnlyHere,
  changesWith,
  logged,
  ofTenant,
} from './changes.ts'

/** Over `r`, a row of the target's table: the entry `k` of its key. */
export function broughtEntry({ key }: Changes, { route }: ChangedTable): string {
  const value = keyOf(route)
  const match = columnsEqual(route.target, route.targetKey, { alias: 'r', value })
  return `${ofBrought(key, { route, kind: 'row' })} and ${match}`
}

/** A column of an entry `k`. */
function keyOf(route: Route): (name: string) => string {
  return (name) =>
    `k.key[${route.targetKey.indexOf(name) + 1}]::${typeAt(route, name)}${collationOf(route.target, name)}`
}

/** Over `r`, a row of the target's table: its key has been brought there. */
export function changedAtTarget({ key }: Changes, { route }: ChangedTable): string {
  const at = { route, columns: route.targetKey, of: route.targetKey, kind: 'row' } as const
  const own = { alias: 'r', columns: route.targetKey }
  return amongSelected(route.target, own, broughtKeys(key, at))
}

interface Brought {
  readonly route: Route
  readonly columns: readonly string[]
  /** The columns that the keys consist of. */
  readonly of: readonly string[]
  readonly kind: KeyKind
}

/** Kind of an entry of rehome.changed_keys, where each is explained. */
type KeyKind = 'row' | 'parent' | 'gone'

function broughtKeys(key: FlagKey, { route, columns, of, kind }: Brought): string {
  const values = columns.map(
    (name) =>
      `k.key[${of.indexOf(name) + 1}]::${typeAt(route, name)}${collationOf(route.target, name)}`,
  )
  return `select ${values.join(', ')} from rehome.changed_keys k
    where ${ofBrought(key, { route, kind })}`
}

export function ofBrought(key: FlagKey, { route, kind }: Pick<Brought, 'route' | 'kind'>): string {
  return `k.scope = ${literal(key.scope)} and k.tenant_id = ${literal(key.tenant)}
      and k.table_name = ${literal(route.target.name)} and k.kind = ${literal(kind)}`
}

/** The table that receives the keys at the target, and the columns that hold them. */
export interface Bringing {
  readonly source: SqlEnd
  readonly reader: Client
  /** In the transaction that will remove them again. */
  readonly target: Client
  /** The schemas of the end that this is a session of. */
  readonly there: Schemas
  readonly context: TransformContext
}

/**
 * Tells the target which keys have changed: those that rows had there, or would have had, and those
 * that they are about to have.
 */
export async function bringKeys(
  bringing: Bringing,
  changes: Changes,
  table: ChangedTable,
): Promise<void> {
  const { route, childKey } = table
  await bringKind(bringing, changes, { table, names: route.targetKey, kind: 'row' })
  // Rows of the source that find their tenant without a parent are logged themselves.
  if (childKey.source.length === 0 || childKey.target.length === 0) return
  await bringKind(bringing, changes, { table, names: childKey.target, kind: 'parent' })
}

interface Kind {
  readonly table: ChangedTable
  readonly names: readonly string[]
  readonly kind: 'row' | 'parent'
}

async function bringKind(bringing: Bringing, changes: Changes, of: Kind): Promise<void> {
  const { table, names, kind } = of
  const { route, log } = table
  const entries = `${logged(changes, table)}${kind === 'parent' ? ` and ${takesChildren(table)}` : ''}`
  const origin = sourceOf(route, names)
  if (origin && !log.log.whole) {
    const list = (alias: string) =>
      origin.map((name, i) => `${alias}.${ident(name)}${castOf(route, names[i])}::text`).join(', ')
    const others = changedOnlyHere(changes, table)
    const more = others && ` union select ${list('r')} from ${others}`
    const query = `select distinct ${list('l')} ${entries}${more}`
    return await tell(bringing, changes, { route, names, kind, query, map: (texts) => texts })
  }
  const is =
    kind === 'parent' ? changedForChildren(changes, table) : changedAtSource(changes, table)
  const now = selectRows(bringing.source, route, `${ofTenant(changes, table)} and ${is}`)
  const old = `null::${qualified(log.schema, route.source.name)}, o.rehome_old`
  const before = `select ${selectColumns({ columns: asTheyWere(route.columns) })}
    from (select l.rehome_row as rehome_old ${entries} and l.rehome_row is not null) o,
      lateral pg_catalog.jsonb_populate_record(${old}) r`
  const map = keyReader(route, names, bringing.context)
  await aroundPlanSql(bringing, route.columns, async () => {
    for (const query of [before, now]) {
      await tell(bringing, changes, { route, names, kind, query, map })
    }
  })
}

/**
 * Over `l`, an entry of the log: rows below that one change with it. Where the row has gone, they
 * have gone with it: it may have come below others before that, and only those are named then.
 */
function takesChildren({ route, log, childKey }: ChangedTable): string {
  const value = (name: string) => `l.${ident(name)}${collationOf(route.source, name)}`
  const same = columnsEqual(route.source, childKey.source, { alias: 'r', value })
  const name = qualified(log.schema, route.source.name)
  return `(l.rehome_children or not exists (select from ${name} r where ${same}))`
}

export const insertKeys =
  'insert into rehome.changed_keys (scope, tenant_id, table_name, kind, key, key_hash)'

interface Told {
  readonly route: Route
  readonly names: readonly string[]
  readonly kind: 'row' | 'parent'
  readonly query: string
  readonly map: (texts: Texts) => Texts | null
}

async function tell({ reader, target }: Bringing, { key }: Changes, report: Told): Promise<void> {
  const { route, names, kind, query, map } = report
  const arrays = names.map((_, i) => `unnest($${i + 5}::text[]) as c${i}`).join(', ')
  // As the target's type writes it: equal values are one key.
  const values = names.map((name, i) => `(k.c${i}::${typeAt(route, name)})::text`).join(', ')
  const insert = `${insertKeys} select $1, $2, $3, $4, n.key, md5(n.key::text)
    from (select array[${values}] as key from (select ${arrays}) k) n on conflict do nothing`
  for await (const rows of textBatches(reader, query, { size: 5000 })) {
    const keys = rows.map(map).filter((texts) => texts !== null)
    if (keys.length === 0) continue
    const columns = names.map((_, i) => arrayOfTexts(keys, i))
    await target.query(insert, [key.scope, key.tenant, route.target.name, kind, ...columns])
  }
}

/**
 * At the target, parents first: the keys of rows whose parents, at any height, are among the keys
 * that were brought.
 */
export async function bringChildren(
  { target }: Pick<Bringing, 'target'>,
  changes: Changes,
  { table, schema }: { table: ChangedTable; schema: string },
): Promise<void> {
  const { route, childKey } = table
  const own = tenantPredicate(route.targetPath, {
    schema,
    alias: 'r',
    tenant: changes.key.tenant,
  })
  for (const step of stepsOf(followedPath(route.targetPath))) {
    const above = changesWith(changes, route, step.parent) ? broughtParents(changes, step) : null
    if (above === null) continue
    const at = (name: string) => `r.${ident(name)}`
    const rows = `from ${qualified(schema, route.target.name)} r
      where ${own} and ${goesThisWay(step, 'r')}${hasParentAmong(step, at, above)}`
    await bringRowsBelow(target, changes, {
      route,
      kinds: [route.targetKey, childKey.target],
      rows,
    })
  }
}

/** A query of parents' keys that were brought. null: the round is about none of that table. */
export function broughtParents(changes: Changes, step: Step): string | null {
  const parent = changes.tables.find((other) => other.route.target.name === step.parent)
  if (!parent) return null
  return broughtKeys(changes.key, {
    route: parent.route,
    columns: step.parentColumns,
    of: parent.childKey.target,
    kind: 'parent',
  })
}

/** Again for rows of the same table below these, as long as there are more. */
async function bringRowsBelow(
  target: Client,
  { key: { scope, tenant } }: Changes,
  { route, kinds, rows }: Below,
): Promise<void> {
  for (;;) {
    let count = 0
    for (const [i, names] of kinds.entries()) {
      if (names.length === 0) continue
      const kind = i === 0 ? 'row' : 'parent'
      const values = names.map((name) => `r.${ident(name)}::text`).join(', ')
      const query = `${insertKeys} select $1, $2, $3, $4, n.key, md5(n.key::text)
        from (select array[${values}] as key ${rows}) n on conflict do nothing`
      const added = await target.query(query, [scope, tenant, route.target.name, kind])
      count += added.rowCount ?? 0
    }
    if (count === 0 || !isRecursive(followedPath(route.targetPath))) return
  }
}

interface Below {
  readonly route: Route
  /** Columns of the keys of rows, and of those by which other rows find them. */
  readonly kinds: readonly (readonly string[])[]
  /** Behind `select`. */
  readonly rows: string
}

/**
 * Rows there that refer to brought keys without a row: foreign keys were off
 * while those went. `referring`: keys of any table that lead to all columns of the target's key.
 */
export async function brokenByLeaving(
  { target }: Pick<Bringing, 'target'>,
  changes: Changes,
  {
    table,
    schema,
    referring,
  }: { table: ChangedTable; schema: string; referring: readonly CatalogReference[] },
): Promise<{ readonly foreignKey: string; readonly rows: number }[]> {
  const { route } = table
  const counts = referring.map((key) => {
    const own = (name: string) => `c.${ident(name)}`
    const left = isParent(byEquality(leadingTo(key, route.targetKey)), keyOf(route), own)
    const notNull = key.columns.map((name) => `c.${ident(name)} is not null`)
    const name = literal(`"${childName(key, schema)}": ${key.name}`)
    return `select ${name} as "foreignKey", count(*)::int as rows
      from rehome.changed_keys k join ${qualified(key.schema, key.relation)} c
        on ${ofBrought(changes.key, { route, kind: 'row' })} and ${left}
      where ${notNull.join(' and ')} and not ${isKept(key, own)}`
  })
  if (counts.length === 0) return []
  return (await target.query(counts.join(' union all '))).rows.filter(({ rows }) => rows > 0)
}

export function forgetKeys({ scope, tenant }: FlagKey): string {
  return `delete from rehome.changed_keys
    where scope = ${literal(scope)} and tenant_id = ${literal(tenant)} and kind <> 'kept'`
}

/** The cast that the copy uses: not every type's text means the same to another type. */
function castOf(route: Route, name: string | undefined): string {
  const to = route.columns.find((column) => column.name === name)?.castTo
  return to ? `::pg_catalog.${ident(to)}` : ''
}

function typeAt(route: Route, name: string): string {
  return route.target.columns.find((column) => column.name === name)?.typeText ?? 'text'
}
