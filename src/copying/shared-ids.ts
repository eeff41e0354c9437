/**
 * The ids under which the two ends know the same rows of everybody. Each attempt begins with those
 * that the run has met so far, and notes the others as it brings the rows: always before a row that
 * refers to them is read.
 */
import type { Shard } from '../attempt/shard.ts'
import type { SqlEnd } from '../ends/end.ts'
import {
  type IdSearch,
  idsMade,
  idsThere,
  rememberedIds,
  rememberIds,
  type SharedSpace,
} from '../ends/postgres/copy/ids-of-shared.ts'
import { scoped } from '../ends/postgres/postgres-end.ts'
import type { Texts } from '../ends/tenant-rows.ts'
import type { Route } from '../plan/routing/route.ts'
import { endOfIds, type SharedIds } from '../plan/routing/shared-ids.ts'
import { tellingOf } from '../plan/routing/shared-routes.ts'
import type { Client } from '../postgres.ts'

type OfRun = Pick<Shard, 'plan' | 'run' | 'tenant' | 'ends' | 'survey'>

/** In the plan's own direction. Two calls, and none where no table has ids of its own. */
export async function loadSharedIds({ plan, run, tenant, ends, survey }: OfRun): Promise<void> {
  for (const route of survey.shared) {
    const { sharedIds } = route
    if (!sharedIds) continue
    const space = spaceOf({ plan, run, tenant }, route)
    for (const end of ['source', 'target'] as const) {
      const { sql } = ends[end]
      // Rows come back to the source alone while there is a window.
      if (!sql || (end === 'source' && plan.rollback.windowMs === 0)) continue
      noteAll(sharedIds, end, await rememberedIds(sql.pool, scoped(sql, space)))
    }
    sharedIds.open()
  }
}

function spaceOf(
  { plan, run, tenant }: Pick<OfRun, 'plan' | 'run' | 'tenant'>,
  { backOf, source }: Route,
): SharedSpace {
  const { name } = backOf?.source ?? source
  return { scope: plan.scope, tenant, runId: run.id, space: `shared ${name}` }
}

function noteAll(
  ids: SharedIds,
  end: 'source' | 'target',
  pairs: ReadonlyMap<string, string>,
): void {
  for (const [other, own] of pairs) {
    ids.note(end === 'target' ? { source: other, target: own } : { source: own, target: other })
  }
}

interface WithIds {
  readonly rows: readonly Texts[]
  readonly inserted: number
  /** Ids of rows that have none at the end that they go to. */
  readonly missing: readonly string[]
}

export function hasSharedIds({ shared }: Pick<Shard['survey'], 'shared'>): boolean {
  return shared.some(({ sharedIds }) => sharedIds)
}

/** Rows with the ids of the end that they go to, in the transaction that will bring them there. */
export async function withIdsThere(
  shard: Shard,
  { client, target, route }: { client: Client; target: SqlEnd; route: Route },
  { rows, inserts }: { readonly rows: readonly Texts[]; readonly inserts: boolean },
): Promise<WithIds> {
  const { sharedIds } = route
  if (!sharedIds) return { rows, inserted: 0, missing: [] }
  const search = searchOf(target, route)
  const unknown = withoutId(search, sharedIds, rows)
  let inserted = 0
  if (unknown.length > 0) {
    const made = inserts
      ? await idsMade(client, search, unknown)
      : { ids: await idsThere(client, search, unknown), inserted }
    inserted = made.inserted
    noteAll(sharedIds, endOfIds(route), made.ids)
    await rememberIds(client, scoped(target, spaceOf(shard, route)), made.ids)
  }
  const missing = withoutId(search, sharedIds, rows)
  return {
    inserted,
    rows: translated(search, rows, knownIn(search, sharedIds)),
    missing: missing.map((row) => `(${row[search.place]})`),
  }
}

/** Those of the rows that are there, under their ids there. Notes nothing. */
export async function withIdsFound(
  { target, route }: { readonly target: SqlEnd; readonly route: Route },
  rows: readonly Texts[],
): Promise<readonly Texts[]> {
  const { sharedIds } = route
  if (!sharedIds) return rows
  const search = searchOf(target, route)
  const ids = await idsThere(target.pool, search, withoutId(search, sharedIds, rows))
  const noted = knownIn(search, sharedIds)
  return translated(search, rows, (id) => noted(id) ?? ids.get(id))
}

function searchOf({ schema }: SqlEnd, route: Route): IdSearch {
  const [id] = route.sourceKey
  const place = route.columns.findIndex(({ from }) => from === id)
  return { schema, route, telling: tellingOf(route), place }
}

type IdThere = (id: string) => string | undefined

function knownIn({ route }: IdSearch, ids: SharedIds): IdThere {
  return (id) => ids.at(endOfIds(route), id)
}

function withoutId(search: IdSearch, ids: SharedIds, rows: readonly Texts[]): Texts[] {
  const noted = knownIn(search, ids)
  return rows.filter((row) => noted(row[search.place] ?? '') === undefined)
}

function translated({ place }: IdSearch, rows: readonly Texts[], idThere: IdThere): Texts[] {
  return rows.flatMap((row) => {
    const id = idThere(row[place] ?? '')
    return id === undefined ? [] : [row.with(place, id)]
  })
}
