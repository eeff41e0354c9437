/**
 * Rows that refer to a tenant's rows and do not move with them: a tenant that has some does not
 * move, unless the plan leaves them; and as long as there are some, nothing is cleaned up.
 */

import { tellsStrays } from '../checks/http-findings.ts'
import { lookShare } from '../checks/notes.ts'
import { now, round } from '../clock.ts'
import type { Ends } from '../ends/end.ts'
import type { Strays } from '../ends/tenant-rows.ts'
import { firstFew, messageOf, RehomeError } from '../errors.ts'
import { tablesLeft } from '../plan/routing/tables.ts'
import { tablesAt } from './planned-rows.ts'
import { note, type Shard } from './shard.ts'

type EndName = 'source' | 'target'

/**
 * Looks at the end that the tenant leaves, by way of these ends. Throws ROWS_LEFT_BEHIND. What the
 * plan leaves stands in the evidence.
 */
export async function refuseStrays(shard: Shard, ends: Ends = shard.ends): Promise<void> {
  const start = now()
  const all = await straysAt({ ...shard, ends }, 'source')
  shard.evidence.straysMs = round(now() - start)
  const spared = new Set(tablesLeft(shard.plan))
  const isLeft = ({ planned, table, left }: Strays) => !planned && (left || spared.has(table))
  const left = all.filter(isLeft)
  if (left.length > 0) shard.evidence.leftBehind = left
  const strays = all.filter((one) => !isLeft(one))
  if (strays.length > 0) throw wouldStay(strays)
}

/**
 * Repeats the look under the fence, for what has come since, where the look before was quick enough
 * for the pause. Else it is left to `tellNewStrays`, by this attempt or by the one that releases.
 */
export async function refuseNewStrays(shard: Shard): Promise<void> {
  const { straysMs = 0 } = shard.evidence
  if (straysMs <= shard.plan.pause.budgetMs * lookShare) {
    shard.evidence.straysUnseen = false
    return await refuseStrays(shard)
  }
  shard.evidence.straysUnseen = true
  const unseen = { straysUnseen: true }
  note(shard, { evidence: shard.goesBack ? { rollback: unseen } : unseen })
}

/**
 * Looks after the cutover, if there was no time under the fence, and reports what has come too
 * late.
 */
export async function tellNewStrays(shard: Shard): Promise<void> {
  if (!(shard.evidence.straysUnseen ?? unseenBefore(shard))) return
  shard.evidence.straysUnseen = true
  const home = shard.ends.source.name
  try {
    const late = (await straysAt(shard, 'source')).filter(({ planned }) => planned)
    shard.evidence.straysUnseen = late.length > 0 && late
    for (const { table, rows, foreignKey } of late) {
      shard.tell(
        `${rows} rows of "${table}" came too late, by "${foreignKey}": they are at the ${home}`,
      )
    }
  } catch (error) {
    const message = `rows at the ${home} that the plan does not find were not looked for`
    shard.log.warn({ err: error }, message)
    shard.tell(`${message}: ${messageOf(error)}`)
  }
}

/** A look that an earlier attempt, which died past the cutover, has left to be made. */
function unseenBefore({ move, goesBack = false }: Shard): boolean {
  return (goesBack ? move.evidence.rollback : move.evidence)?.straysUnseen === true
}

/** Before a removal, so that none stops halfway. Throws FOREIGN_KEY_BROKEN. */
export async function refuseReferring(shard: Shard, end: EndName): Promise<void> {
  const strays = await straysAt(shard, end)
  if (strays.length === 0) return
  const facts = strays.map(({ table, foreignKey, parent, rows, values }) => {
    if (parent === '') {
      return `"${table}" at the ${end}: ${rows} rows belong to several tenants, by "${foreignKey}", e.g. ${values[0]}`
    }
    return `"${table}" at the ${end}: ${rows} rows refer by "${foreignKey}" to rows of "${parent}" that would be removed, e.g. ${values[0]}`
  })
  const message = `${firstFew(facts)}: nothing was removed; remove or change them, then ask again`
  throw new RehomeError('FOREIGN_KEY_BROKEN', message, { data: { ...strays[0], strays } })
}

async function straysAt(shard: Shard, end: EndName): Promise<readonly Strays[]> {
  const { plan, tenant, ends, survey } = shard
  if (!tellsStrays(ends[end], survey[end])) return []
  const tables = tablesAt(shard, end)
  return await ends[end].rows.strays({ scope: plan.scope, tenant, tables })
}

function wouldStay(strays: readonly Strays[]): RehomeError {
  return new RehomeError('ROWS_LEFT_BEHIND', firstFew(strays.map(describe)), { data: { strays } })
}

function describe({ table, foreignKey, parent, rows, values, planned }: Strays): string {
  if (parent === '') {
    return `"${table}": ${rows} rows belong to several tenants, by "${foreignKey}", e.g. ${values[0]}: give their parents the same tenant, or remove the rows`
  }
  const refer = `refer by "${foreignKey}" to rows of "${parent}" that move, e.g. ${values[0]}`
  if (planned) {
    return `"${table}": ${rows} rows ${refer}, but the plan's path does not find them: fill in the columns of the path, give them the same tenant, or remove them`
  }
  const leave = `\`exclude: [{ table: '${table}', leaveReferences: true }]\``
  return `"${table}": ${rows} rows stay behind and ${refer}: plan the table, remove them, or set ${leave}`
}
