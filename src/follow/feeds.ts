/** The feeds of a shard's ends. */

import { tablesAt } from '../attempt/planned-rows.ts'
import { holdOf, type Shard } from '../attempt/shard.ts'
import type { Feed, Since } from '../ends/feed.ts'
import { RehomeError } from '../errors.ts'

/** Throws PREFLIGHT_FAILED where the end has none: `check` has reported it. */
export function feedOf(shard: Shard, name: 'source' | 'target'): Feed {
  const { survey, plan, ends } = shard
  const end = ends[name]
  if (!end.feed) {
    throw new RehomeError('PREFLIGHT_FAILED', `the ${end.name} is an API and has no log of changes`)
  }
  const key = name === 'source' ? 'sourceKey' : 'targetKey'
  const tables = tablesAt(shard, name).map(({ table, path }) => {
    const route = survey.routes.find((candidate) => candidate[name].name === table.name)
    return { table, path, key: route?.[key] ?? [] }
  })
  return end.feed({ scope: plan.scope, tables, catalog: survey[name] })
}

/** How far the target has come, and what is a change since then. */
export async function reachedBy(shard: Shard): Promise<{ step: number; since: Since }> {
  const key = holdOf(shard)
  const checkpoint = await feedOf(shard, 'target').readCheckpoint({ ...key, epoch: shard.epoch })
  if (!checkpoint) throw new RehomeError('UNEXPECTED', 'there is no copy that could catch up')
  const { position, lacking: everyChild, step } = checkpoint
  return { step, since: { ...key, position, everyChild } }
}
