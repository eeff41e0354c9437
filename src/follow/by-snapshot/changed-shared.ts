/** Rows of everybody to which the changed rows of a round refer, at any distance. */
import { type Shard, sqlEndsOf } from '../../attempt/shard.ts'
import { bringNewlyShared } from '../../copying/shared-rows.ts'
import { changedOfTenant } from '../../ends/postgres/changes/changes.ts'
import { hasParentAmong } from '../../ends/postgres/matching.ts'
import type { Reached } from '../../ends/rows.ts'
import { type Step, stepsOf } from '../../plan/routing/path.ts'
import type { Route } from '../../plan/routing/route.ts'
import { ident, qualified } from '../../quote.ts'
import type { Replacing } from './changed-rows.ts'

/** In the transaction at the target, before the changed rows. Returns the rows' ids. */
export async function bringSharedOf(shard: Shard, replacing: Replacing): Promise<Reached[]> {
  const { reader, target } = replacing.bringing
  const newly = (route: Route) => neededByChanged(shard, replacing, route)
  return await bringNewlyShared(shard, { reader, target, newly })
}

/** Over `r`, a row of the source's table. null: no changed row can refer to any. */
function neededByChanged(shard: Shard, replacing: Replacing, route: Route): string | null {
  const conditions = stepsOf(route.sourcePath).flatMap((step) => {
    const among = referring(shard, replacing, step)
    return among === null ? [] : [hasParentAmong(step, (name) => `r.${ident(name)}`, among)]
  })
  return conditions.length === 0 ? null : `(${conditions.join(' or ')})`
}

/** A query of the values by which changed rows refer to others. */
function referring(shard: Shard, replacing: Replacing, step: Step): string | null {
  const changed = replacing.tables.find(({ route }) => route.source.name === step.parent)
  const parent = shard.survey.shared.find(({ source }) => source.name === step.parent)
  const where = changed
    ? changedOfTenant(replacing.changes, changed)
    : parent && neededByChanged(shard, replacing, parent)
  if (!where) return null
  const columns = step.parentColumns.map((name) => `r.${ident(name)}`).join(', ')
  const { schema } = sqlEndsOf(shard).source
  return `select ${columns} from ${qualified(schema, step.parent)} r where ${where}`
}
