/**
 * Moves the target's sequences past the tenant's ids: before the fence as far as they are known.
 */
import { farApart } from '../checks/notes.ts'
import { sequencesOf } from '../ends/postgres/copy/sequences.ts'
import type { TenantRows } from '../ends/tenant-rows.ts'
import type { CatalogTable } from '../plan/catalogs/catalog.ts'
import type { Route } from '../plan/routing/route.ts'
import { wayBack } from '../plan/routing/way-back.ts'
import { tenantRows } from './planned-rows.ts'
import { type Shard, store } from './shard.ts'

/**
 * `source`: by the ids about to come, so that the pause has less to do. `target`: by the rows that
 * came, transformed ones too.
 */
export async function advanceSequences(shard: Shard, by: 'source' | 'target'): Promise<void> {
  for (const reached of await reachedIds(shard, by)) await advanceTo(shard, reached)
}

/** A sequence of the target, and the largest id of the tenant's rows that it has to pass. */
export interface Reached {
  readonly sequence: string
  readonly id: bigint
}

export async function reachedIds(shard: Shard, by: 'source' | 'target'): Promise<Reached[]> {
  const reached: Reached[] = []
  for (const use of by === 'target' ? filled(shard) : about(shard)) {
    const { rows, column, sequence, descending } = use
    const id = await shard.ends[by].rows.largestId(rows, column, { descending })
    if (id !== null && (descending || id >= 1n)) reached.push({ sequence, id })
  }
  for (const { from, to } of composed(shard)) {
    reached.push({ sequence: to, id: await shard.ends.source.rows.positionOf(from) })
  }
  return reached
}

/** Sequences whose numbers are parts of values: nothing but the source's sequence says how far. */
function composed({ survey }: Shard): { from: string; to: string }[] {
  return survey.routes.flatMap((route) =>
    route.target.columns.flatMap(({ name, composes }) => {
      const from = route.source.columns.find((column) => column.name === sourceColumn(route, name))
      const own = from?.composes ?? from?.sequence
      return composes && own ? [{ from: own, to: composes }] : []
    }),
  )
}

interface Use {
  readonly rows: TenantRows
  readonly column: string
  readonly sequence: string
  readonly descending: boolean
}

function filled(shard: Shard): Use[] {
  return shard.survey.routes.flatMap((route) =>
    sequencesOf(route.target).map((use) => ({ ...use, rows: tenantRows(shard, route, 'target') })),
  )
}

function about(shard: Shard): Use[] {
  return shard.survey.routes.flatMap((route) =>
    sequencesOf(route.target).flatMap(({ column: to, ...use }) => {
      const column = sourceColumn(route, to)
      return column === null ? [] : [{ ...use, rows: tenantRows(shard, route, 'source'), column }]
    }),
  )
}

export async function advanceTo(shard: Shard, { sequence, id }: Reached): Promise<void> {
  if (shard.goesBack && (await areParted(shard, sequence))) return
  if (!(await shard.ends.target.rows.advanceSequence(sequence, id))) return
  shard.tell(`sequence ${sequence} of the target goes on after ${id}`)
}

/**
 * Where each of the target's sequences stands that gives ids to rows which may go back, by the
 * sequence of the source that gave them before.
 */
export async function notePositions(shard: Shard): Promise<void> {
  const positions: Record<string, string> = {}
  for (const route of shard.survey.routes) {
    for (const { name, from: own } of wayBack(route).columns) {
      const from = sequenceAt(route.source, name)
      const to = sequenceAt(route.target, own)
      if (!from || !to) continue
      positions[from] = String(await shard.ends.target.rows.positionOf(to))
    }
  }
  // An attempt that goes on with this one's copy does not come here.
  await store(shard, { evidence: { sequences: positions } })
}

function sequenceAt({ columns }: CatalogTable, name: string | null): string | null {
  const column = columns.find((candidate) => candidate.name === name)
  return column?.sequence ?? column?.composes ?? null
}

/**
 * When the tenant moved, the target gave ids far beyond all that the source had come to: it must
 * not follow it there. Where they are no further apart, both give numbers from one range.
 */
async function areParted(back: Shard, sequence: string): Promise<boolean> {
  const { sequences = {} } = back.move.evidence as { sequences?: Record<string, string> }
  const position = sequences[sequence]
  if (position === undefined) return false
  const apart = BigInt(position) - (await back.ends.target.rows.positionOf(sequence))
  return (apart < 0n ? -apart : apart) > farApart
}

/**
 * The source column that becomes this one, or may do so in a transform: rows that one leaves out
 * have ids, too, which no other row should get.
 */
function sourceColumn(route: Route, column: string): string | null {
  const { rename, compute } = route.plan.columns
  if (route.stream || column in compute) return null
  const renamed = Object.entries(rename).find(([, to]) => to === column)?.[0]
  const name = renamed ?? column
  // Ids that become others tell nothing.
  if (name in route.newIds) return null
  return route.source.columns.some((candidate) => candidate.name === name) ? name : null
}
