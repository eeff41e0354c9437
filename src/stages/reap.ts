/**
 * Looks after what is fenced without a living mover: ends that a cutover has made the home and that
 * are still closed, and lapsed fences of moves that are over. Everything that an attempt could
 * still go on with is left to it. Any number of workers may do this at once.
 */
import type { Control } from '../control/database.ts'
import { runsThatNeedGuards } from '../control/guarded-runs.ts'
import { busyTenants } from '../control/moves.ts'
import type { End, Ends, SqlEnd } from '../ends/end.ts'
import { forgetLeftChanges } from '../ends/postgres/changes/change-log.ts'
import { takeGuardsAway } from '../ends/postgres/fence/passing-guards.ts'
import { allOf } from '../parallel.ts'

export interface Reaped {
  readonly tenant: string
  readonly end: 'source' | 'target'
  readonly what: 'opened after its cutover' | 'lapsed fence lowered'
}

/** Does all that can be done, also where one end does not answer; then throws what it answered. */
export async function reap(
  scope: string,
  ends: Pick<Ends, 'source' | 'target'>,
  control: Control,
): Promise<Reaped[]> {
  const { source, target } = ends
  const looks = await Promise.allSettled([
    openHomes(scope, { from: source, to: target }),
    openHomes(scope, { from: target, to: source }),
    lowerFences(scope, source, control),
    lowerFences(scope, target, control),
  ])
  const failed = looks.find((look) => look.status === 'rejected')
  if (failed) throw failed.reason
  return looks.flatMap((look) => (look.status === 'fulfilled' ? look.value : []))
}

/** Removes log entries that are no longer needed. It looks at all that is in the logs. */
export async function tidyLogs({ source, target }: Pick<Ends, 'source' | 'target'>): Promise<void> {
  const tidied = [source, target].map(({ sql }) => sql && forgetLeftChanges(sql.pool))
  await Promise.all(tidied)
}

/** Takes away guards of `guards: 'while moving'` that no run needs, also where one end fails. */
export async function removeGuards(
  { source, target }: Pick<Ends, 'source' | 'target'>,
  control: Control,
): Promise<{ end: 'source' | 'target'; tables: readonly string[] }[]> {
  const ends = [source, target].flatMap(({ sql }) => sql ?? [])
  const remove = async ({ name, pool }: SqlEnd) => {
    const { removed } = await takeGuardsAway(pool, (runs) => runsThatNeedGuards(control, runs))
    return { end: name, tables: removed }
  }
  const removals = await allOf(ends.map(remove))
  return removals.filter(({ tables }) => tables.length > 0)
}

async function openHomes(scope: string, { from, to }: { from: End; to: End }): Promise<Reaped[]> {
  const closed = await to.flags.closedTenants({ scope })
  const reaped: Reaped[] = []
  for (const { tenant, key } of await from.flags.givenAway({ scope, closed })) {
    if (!(await to.flags.openWith({ scope, tenant, key }))) continue
    reaped.push({ tenant, end: to.name, what: 'opened after its cutover' })
  }
  return reaped
}

async function lowerFences(scope: string, end: End, control: Control): Promise<Reaped[]> {
  const lapsed = await end.flags.lapsedFences({ scope })
  if (lapsed.length === 0) return []
  const busy = await busyTenants(control, [scope], lapsed)
  const reaped: Reaped[] = []
  for (const tenant of lapsed) {
    if (busy.some((move) => move.tenant_id === tenant)) continue
    if (!(await end.flags.lowerLapsed({ scope, tenant }))) continue
    reaped.push({ tenant, end: end.name, what: 'lapsed fence lowered' })
  }
  return reaped
}
