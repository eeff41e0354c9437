/**
 * Moves the target's sequences past the tenant's ids: before the fence as far as they are known.
 */
import { farApart } from '../checks/notes.ts'
import { sequencesOf } from '../ends/postgres/copy/sequences.ts'
import type { IdUse, Reached } from '../ends/rows.ts'
import type { CatalogTable } from '../plan/catalogs/catalog.ts'
import type { Route } from '../plan/routing/route.ts'
import { wayBack } from '../plan/routing/way-back.ts'
import { tenantRows } from './planned-rows.ts'
import { note, type Shard } from './shard.ts'

/**
 * `source`: by the ids about to come, so that the pause has less to do. `target`: by the rows that
 * came, transformed ones too.
 */
export async function advanceSequences(shard: Shard, by: 'source' | 'target'): Promise<void> {
  await advanceTo(shard, await reachedIds(shard, by))
}

/** Sequences of the target, and the largest ids of the tenant's rows that they have to pass. */
export async function reachedIds(shard: Shard, by: 'source' | 'target'): Promise<Reached[]> {
  const { source } = shard.ends
  const uses = by === 'target' ? filled(shard) : about(shard)
  const ids = uses.length > 0 ? await shard.ends[by].rows.largestIds(uses) : []
  const reached = uses.flatMap(({ sequence, descending }, i) => {
    const id = ids[i] ?? null
    return id !== null && (descending || id >= 1n) ? [{ sequence, id }] : []
  })
  const parts = composed(shard)
  if (parts.length === 0) return reached
  const positions = await source.rows.positionsOf(parts.map(({ from }) => from))
  return [...reached, ...parts.map(({ to }, i) => ({ sequence: to, id: positions[i] ?? 0n }))]
}

/** Sequences whose numbers are parts of values: nothing but the source's sequence tells how far. */
function composed({ survey }: Shard): { from: string; to: string }[] {
  return survey.routes.flatMap((route) =>
    route.target.columns.flatMap(({ name, composes }) => {
      const own = composes ? sequenceAt(route.source, sourceColumn(route, name)) : null
      return composes && own ? [{ from: own, to: composes }] : []
    }),
  )
}

interface Use extends IdUse {
  readonly sequence: string
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

export async function advanceTo(shard: Shard, reached: readonly Reached[]): Promise<void> {
  const due = shard.goesBack ? await withoutParted(shard, reached) : reached
  if (due.length === 0) return
  const ids = new Map(due.map(({ sequence, id }) => [sequence, id]))
  for (const sequence of await shard.ends.target.rows.advanceSequences(due)) {
    shard.tell(`sequence ${sequence} of the target goes on after ${ids.get(sequence)}`)
  }
}

/**
 * Where each of the target's sequences stands that gives ids to rows which may go back, by the
 * sequence of the source that gave them before.
 */
export async function notePositions(shard: Shard): Promise<void> {
  const pairs = new Map<string, string>()
  for (const route of shard.survey.routes) {
    for (const { name, from: own } of wayBack(route).columns) {
      const from = sequenceAt(route.source, name)
      const to = sequenceAt(route.target, own)
      if (from && to) pairs.set(from, to)
    }
  }
  const atTarget = await shard.ends.target.rows.positionsOf([...pairs.values()])
  const positions = Object.fromEntries(
    [...pairs.keys()].map((from, i) => [from, String(atTarget[i])]),
  )
  // An attempt that goes on with this one's copy does not come here.
  note(shard, { evidence: { sequences: positions } })
}

function sequenceAt({ columns }: CatalogTable, name: string | null): string | null {
  const column = columns.find((candidate) => candidate.name === name)
  return column?.sequence ?? column?.composes ?? null
}

/**
 * When the tenant moved, the target gave ids far beyond all that the source had come to: it must
 * not follow it there. Where they are no further apart, both give numbers from one range.
 */
async function withoutParted(back: Shard, reached: readonly Reached[]): Promise<Reached[]> {
  const { sequences = {} } = back.move.evidence
  const noted = reached.filter(({ sequence }) => sequence in sequences)
  const atTarget = await back.ends.target.rows.positionsOf(noted.map(({ sequence }) => sequence))
  const parted = noted.filter(({ sequence }, i) => {
    const apart = BigInt(sequences[sequence] ?? 0) - (atTarget[i] ?? 0n)
    return (apart < 0n ? -apart : apart) > farApart
  })
  return reached.filter((one) => !parted.includes(one))
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
