/** The rows of a shard that have changed: which those are, and how the target gets to have them. */

import { type Shard, sqlEndsOf } from '../../attempt/shard.ts'
import { brokenByGone, type LeftBy } from '../../comparison/verification.ts'
import {
  type Bringing,
  bringChildren,
  bringKeys,
  brokenByLeaving,
  changedAtTarget,
} from '../../ends/postgres/changes/brought-keys.ts'
import {
  type ChangedTable,
  type Changes,
  changedAtSource,
  changesWith,
  countChanged,
  countsOf,
} from '../../ends/postgres/changes/changes.ts'
import { goneValues } from '../../ends/postgres/changes/gone-values.ts'
import {
  adoptedChildren,
  type LooseChild,
  looseChildren,
} from '../../ends/postgres/changes/loose-children.ts'
import {
  type Brought,
  bringChanged,
  keepColumns,
  removeChanged,
  restoreColumns,
} from '../../ends/postgres/changes/replace-rows.ts'
import { poolOfOne, type Snapshot } from '../../ends/postgres/changes/snapshot.ts'
import { spareLeftBehind } from '../../ends/postgres/changes/spared-keys.ts'
import { databaseEnd } from '../../ends/postgres/database-end.ts'
import {
  referredColumns,
  refuseBrokenByRemoval,
} from '../../ends/postgres/removal/broken-by-removal.ts'
import { RehomeError } from '../../errors.ts'
import { known } from '../../known.ts'
import type { CatalogReference } from '../../plan/catalogs/catalog.ts'
import { followedPath, hopsOf, stepsOf } from '../../plan/routing/path.ts'
import type { Route } from '../../plan/routing/route.ts'
import { changedRowMapper, type InPlace, replaceInPlace } from './rows-in-place.ts'

/** The rows that a round has to bring. */
export interface Due {
  readonly tables: readonly ChangedTable[]
  /** Entries of the log. */
  readonly total: number
}

/** Throws WRITES_WOULD_BE_LOST where rows have changed that cannot go the way of the shard. */
export async function dueChanges(
  { client: reader, selected }: Snapshot,
  changes: Changes,
): Promise<Due> {
  const counts = countsOf(changes, known(selected))
  return await dueOf(changes.tables, counts, (table) => countChanged(reader, changes, table))
}

/** `countRows`: of a table without entries of its own. Throws WRITES_WOULD_BE_LOST. */
export async function dueOf(
  all: readonly ChangedTable[],
  counts: Counts,
  countRows: (table: ChangedTable) => Promise<number>,
): Promise<Due> {
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0)
  const tables = touched(all, counts)
  const blocked = tables.filter(({ route }) => route.blocked)
  const lost: Lost[] = []
  for (const table of blocked) {
    const { source, blocked: reason = '' } = table.route
    const writes = counts.get(source.name) || (await countRows(table))
    if (writes > 0) lost.push({ table: source.name, writes, reason })
  }
  if (lost.length > 0) throw wouldBeLost(lost)
  return { tables: tables.filter((table) => !blocked.includes(table)), total }
}

interface Lost {
  readonly table: string
  readonly writes: number
  readonly reason: string
}

function wouldBeLost(lost: readonly Lost[]): RehomeError {
  const total = lost.reduce((sum, { writes }) => sum + writes, 0)
  const where = lost.map(({ table, writes, reason }) => `"${table}": ${writes}, as ${reason}`)
  const message = `${total} writes since the cutover cannot go back (${where.join('; ')}): repeat with --discard-writes to give up all that was written`
  return new RehomeError('WRITES_WOULD_BE_LOST', message, { data: { tables: lost } })
}

type Counts = ReadonlyMap<string, number>

export interface Replacing {
  readonly bringing: Bringing
  readonly changes: Changes
  readonly tables: readonly ChangedTable[]
}

export interface Replaced {
  readonly removed: number
  readonly brought: number
  /** Tables with rows that went, and that are referred to by other columns than their keys'. */
  readonly gone: readonly ChangedTable[]
}

/** In the transaction at the target. */
export async function replaceRows(
  shard: Shard,
  { bringing, changes, tables }: Replacing,
): Promise<Replaced> {
  const { schema } = sqlEndsOf(shard).target
  // At the target rows may find their tenant by other ways than at the source.
  const hops = ({ route }: ChangedTable) => hopsOf(followedPath(route.targetPath))
  const there = tables.toSorted((a, b) => hops(a) - hops(b))
  for (const table of tables) await bringKeys(bringing, changes, table)
  for (const table of there) await bringChildren(bringing, changes, { table, schema })
  const loose: LooseChild[] = []
  for (const table of there)
    loose.push(...(await looseChildren(bringing, changes, { table, schema })))
  const inPlace = !shard.survey.replicate
  if (!inPlace) {
    for (const table of tables) await keepColumns(bringing, changes, { table, schema })
  }
  for (const table of tables) await spareLeftBehind(bringing, changes, { table, schema })
  const columnsOf = (table: ChangedTable) => otherColumns(changes, table)
  const work = { bringing, changes, schema, tables, otherColumns: columnsOf }
  const replaced = inPlace
    ? {
        ...(await replaceInPlace(shard, work)),
        gone: tables.filter((t) => columnsOf(t).length > 0),
      }
    : await removeAndBring(shard, { ...work, there })
  for (const one of loose) await refuseAdopted(bringing, changes, { schema, loose: one })
  // Children that came with their parents stand in no log.
  for (const table of there) await bringChildren(bringing, changes, { table, schema })
  return replaced
}

/** Rows go and come again, so that two of them may exchange a value that is unique. */
async function removeAndBring(
  shard: Shard,
  {
    bringing,
    changes,
    schema,
    tables,
    there,
    otherColumns: columnsOf,
  }: InPlace & { readonly there: readonly ChangedTable[] },
): Promise<Replaced> {
  let removed = 0
  const gone: ChangedTable[] = []
  for (const table of there.toReversed()) {
    shard.signal.throwIfAborted()
    const columns = columnsOf(table)
    const went = await removeChanged(bringing, changes, { table, schema, columns })
    removed += went
    if (columns.length > 0 && went > 0) gone.push(table)
  }
  const arrivals = new Map<ChangedTable, Brought>()
  for (const table of tables) {
    shard.signal.throwIfAborted()
    const mapper = changedRowMapper(bringing, table.route)
    arrivals.set(table, await bringChanged(bringing, changes, { table, schema, mapper }))
  }
  for (const [table, brought] of arrivals) {
    await restoreColumns(bringing, changes, { table, schema, brought })
  }
  const brought = [...arrivals.values()].reduce((sum, { rows }) => sum + rows, 0)
  return { removed, brought, gone }
}

/** Throws TARGET_NOT_EMPTY where rows without a tenant have become the tenant's. */
async function refuseAdopted(
  bringing: Bringing,
  changes: Changes,
  adopting: { readonly schema: string; readonly loose: LooseChild },
): Promise<void> {
  const keys = await adoptedChildren(bringing, changes, adopting)
  if (keys.length === 0) return
  const { name } = adopting.loose.table.route.target
  const message = `${keys.length} rows of "${name}" without a tenant, e.g. ${keys[0]}, refer to rows that the move brings now: remove or change them`
  throw new RehomeError('TARGET_NOT_EMPTY', message, { data: { keys: keys.slice(0, 20) } })
}

/** Throws FOREIGN_KEY_BROKEN where rows, of whichever table, refer to removed ones. */
export async function refuseBrokenByLeaving(
  shard: Shard,
  { bringing, changes, tables, gone }: Replacing & Pick<Replaced, 'gone'>,
): Promise<void> {
  const { schema } = sqlEndsOf(shard).target
  const all: LeftBy[] = []
  for (const table of tables) {
    const referring = referringTo(changes, table)
    const broken = await brokenByLeaving(bringing, changes, { table, schema, referring })
    all.push(...broken.map((one) => ({ ...one, parent: table.route.target.name })))
  }
  if (all.length > 0) throw brokenByGone(all)
  for (const table of gone) {
    const references = otherReferences(changes, table)
    await refuseBrokenByRemoval(bringing.target, {
      schema,
      tenant: shard.tenant,
      going: [],
      gone: { relation: goneValues(changes, table, otherColumns(changes, table)), arrays: [] },
      table: { ...table.route.target, references },
    })
  }
}

/** References by the columns of the target's key, all of which the round knows. */
function referringTo(changes: Changes, { route }: ChangedTable): CatalogReference[] {
  return kept(changes, route).filter(({ parentColumns }) =>
    route.targetKey.every((name) => parentColumns.includes(name)),
  )
}

function otherReferences(changes: Changes, table: ChangedTable): CatalogReference[] {
  const own = referringTo(changes, table)
  return kept(changes, table.route).filter((key) => !own.includes(key))
}

/**
 * References that the database would keep, were foreign keys on; and those by which rows find their
 * tenant at the target alone: they stay when the rows that they refer to go.
 */
function kept(changes: Changes, { target }: Route): CatalogReference[] {
  const isWay = ({ relation, inverse, when }: CatalogReference) => {
    const child = changes.tables.find(({ route }) => route.target.name === relation)
    return (
      !inverse && when === undefined && child && !changesWith(changes, child.route, target.name)
    )
  }
  return target.references.filter((key) => key.readable && (!key.undeclared || isWay(key)))
}

function otherColumns(changes: Changes, table: ChangedTable): string[] {
  return referredColumns({ references: otherReferences(changes, table) })
}

/** The changed rows alone, as both transactions see them. */
export function partOf(shard: Shard, { bringing, changes, tables }: Replacing): Shard {
  const { source, target } = sqlEndsOf(shard)
  const of = (route: Route) => known(tables.find((table) => table.route === route))
  return {
    ...shard,
    ends: {
      source: databaseEnd({
        ...source,
        pool: poolOfOne(source.pool, bringing.reader),
        within: 'snapshot',
      }),
      target: databaseEnd({
        ...target,
        pool: poolOfOne(target.pool, bringing.target),
        within: 'transaction',
      }),
    },
    survey: { ...shard.survey, routes: tables.map(({ route }) => route) },
    among: (route, end) =>
      end === 'source' ? changedAtSource(changes, of(route)) : changedAtTarget(changes, of(route)),
  }
}

/** Tables with changes of their own, and those whose rows depend on such. Parents first. */
function touched(tables: readonly ChangedTable[], counts: Counts): ChangedTable[] {
  const names = new Set([...counts].filter(([, n]) => n > 0).map(([name]) => name))
  const all: ChangedTable[] = []
  for (const table of tables) {
    const { sourcePath, source } = table.route
    const hangs = stepsOf(sourcePath).some((step) => names.has(step.parent))
    if (!names.has(source.name) && !hangs) continue
    names.add(source.name)
    all.push(table)
  }
  return all
}
