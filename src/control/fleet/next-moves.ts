/**
 * Named queries of the feeder. The control database is the backlog: a run's moves wait here, and
 * only the next ones have jobs, so that a queue in memory does not grow with the number of tenants.
 */
import type { Control, Move, Priority } from '../database.ts'
import { gateText, isOnHoldText } from '../steer.ts'

/** Jobs that wait for a worker, over all runs; each run has an equal share of them. */
export const aheadMax = 1_000
/** The share of a run among many, at least. */
const shareMin = 20

/** Columns from which a job is made and gets its place among those of other runs. */
export interface FedMove {
  readonly id: string
  readonly run_id: string
  readonly tenant_id: string
  readonly errand: 'move' | 'rollback' | 'finalize' | 'cleanup'
  readonly generation: number
  readonly attempts: number
  readonly backoff_ms: number
  readonly priority: Priority
  /** Jobs of its run that wait already: of moves, or of all other errands. */
  readonly ahead: number
}

const isWaiting = `m.open and not m.has_job and ${gateText} is not null`

const nextGroup = `select m.run_id, ${gateText} as gate from rehome_control.moves m
  where ${isWaiting} and (m.run_id, ${gateText}) > (g.run_id, g.gate)
  order by m.run_id, ${gateText} limit 1`

const groupsFrom = (start: string) => `groups as (
    select '' as run_id, -2147483648 as gate from ${start}
    union all
    select n.run_id, n.gate from groups g cross join lateral (${nextGroup}) n
  )`

/** Whether nothing holds back the group `g` of the run `r`. */
const mayBegin = `(g.gate = 0 or (r.paused is null and abs(g.gate) <= r.wave))
      and (g.gate >= 0 or r.strategy = 'online')`

/** Whether the move `m` is held before its start. `g` has its gate and its run's strategy. */
const isHeldOffline = (g: string) =>
  `(${g}.gate > 0 and ${g}.strategy = 'offline' and ${isOnHoldText('m')})`

/**
 * One look at a time, over all workers: who has the lock leads, until its statement ends or its
 * session dies. Walks from group to group as workers do among open moves (due-moves.ts), and reads
 * no more moves of a run than its share has room for. Only runs with a move that is due have a
 * share. Moves of a run whose plan no worker has are left alone, unless `$2` names it.
 */
export const feedText = `
  with recursive leader as materialized (
    select pg_try_advisory_xact_lock(hashtextextended('rehome feeder', 0)) as leads
  ), ${groupsFrom('leader where leads')}, eligible as materialized (
    select g.run_id, g.gate, r.wave, r.strategy, r.attempts, r.backoff_ms, r.priority
    from groups g join rehome_control.runs r on r.id = g.run_id
    where ${mayBegin}
      and (r.id = $2 or exists (select from rehome_control.workers w
        where r.plan_fingerprint = any(w.fingerprints) and w.alive_until > clock_timestamp()))
      and exists (select from rehome_control.moves m
        where ${isWaiting} and m.run_id = g.run_id and ${gateText} = g.gate
          and m.not_before <= statement_timestamp())
  ), share as materialized (
    select greatest(${shareMin}, $1::int / greatest(1, count(distinct run_id))) as most from eligible
  ), chosen as materialized (
    select m.id, e.attempts, e.backoff_ms, e.priority, a.ahead, m.not_before, m.place
    from eligible e cross join share s
    cross join lateral (select count(*)::int as ahead from (
      select from rehome_control.moves a where a.run_id = e.run_id and a.open and a.has_job
        and a.token is null and (a.errand = 'move') = (e.gate <> 0)
        and (e.gate = 0 or a.paused is null and a.wave <= e.wave)
      limit s.most) a) a
    cross join lateral (
      select m.id, m.not_before, m.place from rehome_control.moves m
      where ${isWaiting} and m.run_id = e.run_id and ${gateText} = e.gate
        and m.not_before <= statement_timestamp()
        and not ${isHeldOffline('e')}
      order by m.not_before, m.place limit s.most - a.ahead for update skip locked) m
    where $2::text is null or e.run_id = $2
  ), fed as (
    update rehome_control.moves m set has_job = true from chosen c where m.id = c.id
    returning m.id, m.run_id, m.tenant_id, m.errand, m.generation, m.wave,
      c.attempts, c.backoff_ms, c.priority, c.ahead, c.not_before, c.place
  )
  select * from fed order by run_id, wave, not_before, place`

/**
 * Marks the moves that are next as having a job, and returns them: the caller adds the jobs. Should
 * it die before, the reconcile loop does. Empty: none has room, or another look is under way.
 * `runId`: this run alone is fed, whether a worker has its plan or not.
 */
export async function takeNextMoves(
  control: Pick<Control, 'pool'>,
  runId: string | null = null,
): Promise<FedMove[]> {
  const { rows } = await control.pool.query<FedMove>(feedText, [aheadMax, runId])
  return rows
}

export type UnfedMove = Pick<Move, 'id' | 'run_id' | 'tenant_id' | 'phase'>

/** Groups of moves without a job that nothing holds back, as `eligible`. */
export const unfedGroups = `${groupsFrom('(values (1)) start')}, eligible as materialized (
    select g.*, r.strategy from groups g join rehome_control.runs r on r.id = g.run_id
    where ${mayBegin}
  )`

/** Moves of the group `e` that have waited for so long, in seconds, in their order. */
export const unfedOf = (forS: string, most: string) => `
    select m.id, m.run_id, m.tenant_id, m.phase, m.updated_at, m.not_before
    from rehome_control.moves m
    where ${isWaiting} and m.run_id = e.run_id and ${gateText} = e.gate
      and m.not_before < clock_timestamp() - ${forS} * interval '1 s'
      and m.updated_at < clock_timestamp() - ${forS} * interval '1 s'
      and not ${isHeldOffline('e')}
    order by m.not_before, m.place limit ${most}`

const unfedText = `
  with recursive ${unfedGroups}
  select m.* from eligible e cross join lateral (${unfedOf('$1', '$2')}) m limit $2`

/**
 * Moves that have waited for their job for so long, in the order in which they would get it, though
 * nothing holds them back.
 */
export async function unfedMoves(
  control: Pick<Control, 'pool'>,
  { untouchedS, most }: { readonly untouchedS: number; readonly most: number },
): Promise<UnfedMove[]> {
  return (await control.pool.query<UnfedMove>(unfedText, [untouchedS, most])).rows
}
