/**
 * Moves the target's sequences past the tenant's ids: before the fence as far as they are known.
 */
import { advanceSequence, largestId, sequencesOf } from '../endpoints/sql/sequences.ts'
import type { Route } from '../plan/routes.ts'
import { tenantWhere } from './rows.ts'
import type { Shard } from './shard.ts'

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
  for (const route of shard.survey.routes) {
    for (const { column, sequence } of sequencesOf(route.target)) {
      const origin = by === 'target' ? column : sourceColumn(route, column)
      if (origin === null) continue
      const where = tenantWhere(shard, route, by)
      const use = { table: route[by].name, column: origin, where }
      const id = await largestId(shard.ends[by], use)
      if (id !== null && id >= 1n) reached.push({ sequence, id })
    }
  }
  return reached
}

export async function advanceTo(shard: Shard, { sequence, id }: Reached): Promise<void> {
  if (!(await advanceSequence(shard.ends.target, sequence, id))) return
  shard.tell(`sequence ${sequence} of the target goes on after ${id}`)
}

/** The source column that becomes this one unchanged, if there is one. */
function sourceColumn(route: Route, column: string): string | null {
  if (route.transform) return null
  const { rename, compute } = route.plan.columns
  if (column in compute) return null
  const renamed = Object.entries(rename).find(([, to]) => to === column)?.[0]
  const name = renamed ?? column
  return route.source.columns.some((candidate) => candidate.name === name) ? name : null
}
