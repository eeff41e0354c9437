/**
 * Rows whose tenant is unknown yet, as a parent of theirs tells none: conditions of a guard. Pure.
 *
 * That parent may get a tenant before the writer of the row ends, and the row with it. A row of
 * several ways can have one tenant by one parent, and get another one by the other.
 */
import {
  type AnyPath,
  isUndeclared,
  type Step,
  stepsOf,
  type TenantPath,
  type ThroughPath,
} from '../../../plan/routing/path.ts'
import { ident, qualified } from '../../../quote.ts'
import { isParent } from '../matching.ts'
import { applies, tenantJoin } from '../tenant-of-rows.ts'

export interface Untold {
  /** Over `r`, an old row. */
  readonly old: string
  /** Over `r`, a new row: a parent that is not there may still come. */
  readonly new: string
}

/** Conditions over `r`, with the joins of its path. */
export function untoldBy(path: ThroughPath | AnyPath, schema: string): Untold {
  const { tenant, nearestParent } = tenantJoin(path, { schema, alias: 'r' })
  const refers = `(${stepsOf(path)
    .map((step) => applies(step, 'r'))
    .join(' or ')})`
  // A row that loses its parent is guarded by the parent's own delete, if a key is kept.
  const kept = !isUndeclared(path)
  const before = kept ? `${nearestParent} is not null` : refers
  const partly = (old: boolean) => {
    const condition = path.kind === 'any' ? partlyUntold(path, { schema, old }) : ''
    return condition && ` or ${condition}`
  }
  return {
    old: `(${tenant} is null and ${before}${partly(kept)})`,
    new: `(${tenant} is null and ${refers}${partly(false)})`,
  }
}

/** One of several ways that the row goes leads to no tenant. */
function partlyUntold(
  path: AnyPath,
  { schema, old }: { readonly schema: string; readonly old: boolean },
): string {
  const ways: readonly (readonly [step: Step, above: TenantPath])[] = [
    // Rows that refer to the row later tell their tenant, and log it, by themselves.
    ...path.ways.filter((way) => !way.inverse).map((way) => [way, way.path] as const),
    ...path.selves.map((self) => [self, path] as const),
  ]
  if (ways.length < 2) return ''
  const count = ways.map(([step]) => `case when ${applies(step, 'r')} then 1 else 0 end`)
  const untold = ways.map(([step, above]) => {
    const own = (alias: string) => (name: string) => `${alias}.${ident(name)}`
    const isTheirs = isParent(step, own('p'), own('r'))
    const { joins, tenant } = tenantJoin(above, { schema, alias: 'p' })
    const from = `select from ${qualified(schema, step.parent)} p`
    const tells = `exists (${from}${joins} where ${isTheirs} and ${tenant} is not null)`
    const stands = old ? ` and exists (${from} where ${isTheirs})` : ''
    return `${applies(step, 'r')}${stands} and not ${tells}`
  })
  return `${count.join(' + ')} > 1 and (${untold.join(' or ')})`
}
