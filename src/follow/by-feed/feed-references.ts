/** Checks that rows that came refer to rows that are there, and that none refer to removed ones. */

import { tenantRows } from '../../attempt/planned-rows.ts'
import type { Shard, Unsettled } from '../../attempt/shard.ts'
import { brokenByGone, referencesBroken } from '../../comparison/verification.ts'
import type { RehomeError } from '../../errors.ts'
import type { Route } from '../../plan/routing/route.ts'
import { feedOf } from '../feeds.ts'
import { isFull, keyLists, type Touched } from './feed-keys.ts'

/**
 * `while written` rows come before those that they refer to: then they are looked at again, at the
 * latest under the fence. Throws FOREIGN_KEY_BROKEN where no further round follows.
 */
export async function settleReferences(
  shard: Shard,
  touched: readonly Touched[],
  when: 'while written' | 'exactly',
): Promise<void> {
  const looks = new Map(when === 'exactly' ? shard.unsettled : [])
  for (const one of touched) {
    const { name } = one.table.route.target
    looks.set(name, joined(looks.get(name), unsettledOf(one)))
  }
  for (const [name, look] of looks) {
    shard.signal.throwIfAborted()
    const route = shard.survey.routes.find(({ target }) => target.name === name)
    const error = route ? await breachOf(shard, route, look) : null
    if (!error) continue
    if (when === 'exactly') throw error
    shard.unsettled.set(name, joined(shard.unsettled.get(name), look))
  }
}

function unsettledOf(touched: Touched): Unsettled {
  return { keys: isFull(touched) ? null : touched.target.values(), gone: touched.gone }
}

function joined(left: Unsettled | undefined, right: Unsettled): Unsettled {
  if (!left) return right
  const keys = left.keys && right.keys && [...left.keys, ...right.keys]
  return { keys, gone: [...left.gone, ...right.gone] }
}

/** All that the first keys which break any refer to. */
async function breachOf(
  shard: Shard,
  route: Route,
  { keys, gone }: Unsettled,
): Promise<RehomeError | null> {
  const { target, targetKey } = route
  const came = keys === null ? [undefined] : keyLists(targetKey, keys)
  for (const list of came) {
    const rows = { ...tenantRows(shard, route, 'target'), keys: list }
    const { targets } = shard.survey
    const broken = (await shard.ends.target.rows.brokenReferences([rows], targets)).flat()
    if (broken.length === 0) continue
    return referencesBroken(
      shard,
      broken.map((one) => ({ ...one, table: target.name })),
    )
  }
  for (const list of keyLists(targetKey, gone)) {
    const broken = await feedOf(shard, 'target').brokenByLeaving(target.name, list)
    if (broken.length === 0) continue
    return brokenByGone(broken.map((one) => ({ ...one, parent: target.name })))
  }
  return null
}
