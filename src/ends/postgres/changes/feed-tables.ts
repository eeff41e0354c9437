/** The tables of one end for its own feed: SQL text about which rows depend on which. Pure. */
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import { asItIs } from '../../../plan/routing/columns.ts'
import { hopsOf } from '../../../plan/routing/path.ts'
import type { Route } from '../../../plan/routing/route.ts'
import { ident, literal, qualified } from '../../../quote.ts'
import type { FeedTable } from '../../feed.ts'
import type { KeyList, Texts } from '../../tenant-rows.ts'
import { hasParentAmong } from '../matching.ts'
import { amongKeys, typedText, typeOf } from '../predicate.ts'
import type { Removal } from '../removal/remove-rows.ts'
import { tenantPredicate } from '../tenant-of-rows.ts'
import { arrayOfTexts } from '../text-batches.ts'
import type { ChangedTable } from './changes.ts'
import { childKeyIn } from './logged-tables.ts'

/** The tables as routes from this end to itself. Parents first. */
export function ownChangedTables(
  tables: readonly FeedTable[],
  { scope, schema }: { readonly scope: string; readonly schema: string },
): ChangedTable[] {
  const ownTables = tables.map((own) => {
    const childKey = childKeyIn(tables, own.table.name)
    const columns = [...new Set([...own.key, ...childKey])].map((name) => {
      return { name, typeSql: typeOf(own.table, name) }
    })
    const log = { scope, schema, table: own.table.name, log: { columns, whole: true } }
    return { route: routeOf(own), childKey: { source: childKey, target: childKey }, log }
  })
  return ownTables.toSorted((a, b) => hopsOf(a.route.sourcePath) - hopsOf(b.route.sourcePath))
}

function routeOf({ table, path, key }: FeedTable): Route {
  return {
    source: table,
    target: table,
    sourcePath: path,
    targetPath: path,
    sourceKey: key,
    targetKey: key,
    columns: table.columns.map(asItIs),
    newIds: {},
    transform: undefined,
    selfReference: false,
    plan: { kind: 'table', name: table.name, columns: { drop: [], rename: {}, compute: {} } },
  }
}

interface At {
  readonly schema: string
  readonly tenant: string
}

/**
 * Removes the tenant's rows of all tables that find it through these of one: the most dependent
 * ones them first. While these are still there.
 */
export function deleteDescendants(
  tables: readonly FeedTable[],
  parent: CatalogTable,
  { keys, ...at }: At & { readonly keys: KeyList },
): Removal[] {
  return below(tables, parent, { ...at, chosen: amongKeys(parent, keys) })
}

function below(
  tables: readonly FeedTable[],
  parent: CatalogTable,
  { chosen, ...at }: At & { readonly chosen: string },
): Removal[] {
  return tables.flatMap(({ table, path }) => {
    if (path.kind !== 'through' || path.parent !== parent.name) return []
    const theirs = path.parentColumns.map((name) => `r.${ident(name)}`).join(', ')
    const from = qualified(at.schema, parent.name)
    const own = (name: string) => `r.${ident(name)}`
    const hangs = hasParentAmong(path, own, `select ${theirs} from ${from} r where ${chosen}`)
    const ours = tenantPredicate(path, { ...at, alias: 'r' })
    const gone = { schema: at.schema, table, where: `${ours} and ${hangs}`, limit: null }
    return [...below(tables, table, { ...at, chosen: hangs }), gone]
  })
}

/** Places `i` of values, counted from 0, for which the tenant has no parent. */
export function fromParents(
  { schema, tenant, table: { table, path } }: At & { readonly table: FeedTable },
  values: readonly Texts[],
): string {
  if (path.kind !== 'through') return 'select 0 as i where false'
  const arrays = path.columns.map((_, i) => `${literal(arrayOfTexts(values, i))}::text[]`)
  const names = path.columns.map((_, i) => `c${i}`)
  const typed = (name: string, i: number) => typedText(table, name, `k.c${i}`)
  const theirs = path.parentColumns.map((name) => `p.${ident(name)}`).join(', ')
  const ours = tenantPredicate(path.path, { schema, alias: 'p', tenant })
  const parents = `select ${theirs} from ${qualified(schema, path.parent)} p where ${ours}`
  return `select (k.i - 1)::int as i
    from unnest(${arrays.join(', ')}) with ordinality k (${names.join(', ')}, i)
    where (${hasParentAmong(path, typed, parents)}) is not true order by 1`
}
