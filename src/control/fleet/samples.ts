/** Named queries on moves that have ended: what they took predicts what others will take. */
import type { Control } from '../database.ts'

/** A move, or the rehearsal of one. */
export interface Sample {
  readonly rows: number
  /** From the start to the cutover, without holds. */
  readonly ms: number
  readonly pauseMs: number
}

/**
 * The ten largest and the ten smallest moves of each of the plan's last ten runs, and its last
 * rehearsals. Reads a few entries of indexes for each run, however large it is.
 */
export async function samplesOf(control: Control, plan: string): Promise<Sample[]> {
  const moved = (direction: 'asc' | 'desc') => `(select rows_copied::float8 as rows, pause_ms,
      evidence, phase from rehome_control.moves
    where run_id = r.id and phase = 'moved' and rows_copied > 0
    order by rows_copied ${direction} limit 10)`
  const query = `with runs as (
      (select id, false as is_tried from rehome_control.runs
        where plan_name = $1 and not rehearsal order by created_at desc limit 10)
      union all (select id, true from rehome_control.runs
        where plan_name = $1 and rehearsal order by created_at desc limit 20)
    ), ended as (
      select m.* from runs r cross join lateral (
        ${moved('desc')} union ${moved('asc')}) m where not r.is_tried
    )
    select rows, pause_ms as "pauseMs", (select sum(p.value::float8)
        from jsonb_each_text(evidence -> 'movePhaseMs') p where p.key <> 'hold') as ms
      from ended where pause_ms is not null and evidence ? 'movePhaseMs'
    union all
    select (m.evidence #>> '{rehearsal,rows}')::float8,
        (m.evidence #>> '{rehearsal,predictedPauseMs}')::float8,
        (m.evidence #>> '{rehearsal,copyMs}')::float8
          + (m.evidence #>> '{rehearsal,verifyMs}')::float8
      from runs r join rehome_control.moves m on m.run_id = r.id
      where r.is_tried and m.phase = 'rehearsed' and m.evidence #> '{rehearsal,verifyMs}' is not null`
  return (await control.pool.query<Sample>(query, [plan])).rows
}
