/** Named queries on the waves of runs. */
import { type SqlBool, sql } from 'kysely'
import { storable } from '../errors.ts'
import type { RunWave, WaveState } from '../plan/waves.ts'
import type { Control, Move, Run } from './database.ts'
import { type BriefMove, movesWithJob } from './run-moves.ts'
import { hasComeBack, hasMoved } from './steer-moves.ts'

/** Runs whose further waves wait, or that stop by themselves, with moves that are not over. */
export async function wavingRuns(control: Control): Promise<Run[]> {
  return await control.db
    .selectFrom('runs')
    .selectAll()
    .where(sql<SqlBool>`(wave < wave_count or stop_when is not null and paused is null)`)
    .where(
      sql<SqlBool>`exists (select from rehome_control.moves m
        where m.run_id = runs.id and m.open and m.errand = 'move')`,
    )
    .execute()
}

/** Time after which another worker looks, should the one that looks die. */
const lookMostMs = 10_000

/** true: this worker looks after the waves of all runs now, and no other one. */
export async function claimWaves(control: Control): Promise<boolean> {
  const query = `update rehome_control.installation
    set waves_due_at = clock_timestamp() + $1 * interval '1 ms'
    where waves_due_at <= clock_timestamp()`
  return (await control.pool.query(query, [lookMostMs])).rowCount === 1
}

/** The next look is due in so long. */
export async function leaveWaves(control: Control, restMs: number): Promise<void> {
  const query = `update rehome_control.installation
    set waves_due_at = clock_timestamp() + $1 * interval '1 ms'`
  await control.pool.query(query, [restMs])
}

/** Waves of a run as they were enqueued; null: it has none. */
export function wavesOf(run: Run): readonly RunWave[] | null {
  return run.waves
}

export type WaveCounts = Pick<
  WaveState,
  'open' | 'failed' | 'pauseMsP99' | 'unaudited' | 'auditsFailed'
>

const isOpen = `open and errand in ('move', 'rollback')`

const hasWayBack = `${hasMoved} and window_until > clock_timestamp()`

/** A tenant that came back is no success; one whose rollback is under way is not over. */
const counted = `count(*) filter (where ${isOpen})::int as open,
  count(*) filter (where not open and error_code is distinct from 'SKIPPED'
    and (phase = 'failed' or ${hasComeBack}))::int as failed,
  percentile_disc(0.99) within group (order by pause_ms)
    filter (where ${hasMoved}) as "pauseMsP99",
  count(*) filter (where ${hasWayBack}
    and (audited_at is null or open and errand = 'audit'))::int as unaudited,
  count(*) filter (where ${hasWayBack} and not open and audited_at is not null
    and error_code is not null)::int as "auditsFailed"`

/** Failures and pauses of the wave itself, and open moves of it and of all waves before. */
export async function waveCounts(
  control: Control,
  run: Pick<Run, 'id' | 'wave'>,
): Promise<WaveCounts> {
  const query = `select ${counted} from rehome_control.moves where run_id = $1
    and (wave = $2 or wave < $2 and open)`
  return (await control.pool.query(query, [run.id, run.wave])).rows[0]
}

/** Moved tenants of the wave whose ways back were never audited; a few of them. */
export async function unauditedMoves(
  control: Control,
  run: Pick<Run, 'id' | 'wave'>,
  most = 20,
): Promise<Move[]> {
  return await control.db
    .selectFrom('moves')
    .selectAll()
    .where('run_id', '=', run.id)
    .where('wave', '=', run.wave)
    .where(sql.raw<SqlBool>(`not open and ${hasWayBack} and audited_at is null`))
    .limit(most)
    .execute()
}

/** Those of the whole run since it was enqueued, or last resumed. */
export async function stopCounts(control: Control, runId: string) {
  const query = `select ${counted}, count(*)::int as tenants from rehome_control.moves
    where run_id = $1 and (${isOpen} or settled_at > coalesce((select max(at)
      from rehome_control.run_events where run_id = $1 and kind = 'resumed'), '-infinity'))`
  return (await control.pool.query(query, [runId])).rows[0]
}

/**
 * Remembers when the wave was first seen without an open move. Returns how long ago, in ms. Who
 * approved or overrode it had seen it as it had ended: if it is open again, that holds no longer.
 */
export async function endWave(
  control: Control,
  run: Pick<Run, 'id' | 'wave'>,
  { isOver }: { isOver: boolean },
): Promise<number | null> {
  const query = `update rehome_control.runs
    set wave_ended_at = case when $3 then coalesce(wave_ended_at, clock_timestamp()) end,
      gate_asked_at = null, gate_answer = null,
      approved_wave = case when $3 then approved_wave else least(approved_wave, wave - 1) end,
      overridden_wave = case when $3 then overridden_wave else least(overridden_wave, wave - 1) end
    where id = $1 and wave = $2 and (wave_ended_at is null) = $3`
  await control.pool.query(query, [run.id, run.wave, isOver])
  const age = `select (extract(epoch from clock_timestamp() - wave_ended_at) * 1000)::float8 as ms
    from rehome_control.runs where id = $1`
  return (await control.pool.query(age, [run.id])).rows[0]?.ms ?? null
}

/** true: the wave's own check is to be asked by the caller, and by no other for so long. */
export async function claimCheck(
  control: Control,
  run: Pick<Run, 'id' | 'wave'>,
  everyMs: number,
): Promise<boolean> {
  const query = `update rehome_control.runs
    set gate_asked_at = clock_timestamp(), gate_answer = coalesce(gate_answer, 'not answered yet')
    where id = $1 and wave = $2 and wave_ended_at is not null and (gate_asked_at is null
      or gate_asked_at < clock_timestamp() - $3 * interval '1 ms')`
  return (await control.pool.query(query, [run.id, run.wave, everyMs])).rowCount === 1
}

/** Unless the wave is open again, or another one has begun. `reason` null: the next may begin. */
export async function storeCheck(
  control: Control,
  run: Pick<Run, 'id' | 'wave'>,
  reason: string | null,
): Promise<void> {
  const query = `update rehome_control.runs
    set gate_asked_at = clock_timestamp(), gate_answer = $3
    where id = $1 and wave = $2 and wave_ended_at is not null`
  const text = reason === null ? null : storable(reason)
  await control.pool.query(query, [run.id, run.wave, text])
}

/** Lets the next wave begin. Returns those of its moves that have a job; null: another has. */
export async function openWave(
  control: Control,
  run: Pick<Run, 'id' | 'wave'>,
): Promise<BriefMove[] | null> {
  const opened = await control.db
    .updateTable('runs')
    .set({ wave: run.wave + 1, wave_ended_at: null, gate_asked_at: null, gate_answer: null })
    .where('id', '=', run.id)
    .where('wave', '=', run.wave)
    .executeTakeFirst()
  if (opened.numUpdatedRows !== 1n) return null
  return await movesWithJob(control, { runId: run.id, wave: run.wave + 1 })
}

/** false: it was so already, it has open moves, or another wave has begun. */
export async function approveWave(
  control: Control,
  run: Pick<Run, 'id' | 'wave'>,
  { override }: { override: boolean },
): Promise<boolean> {
  const column = override ? 'overridden_wave' : 'approved_wave'
  const query = `update rehome_control.runs set ${column} = wave,
      wave_ended_at = coalesce(wave_ended_at, clock_timestamp())
    where id = $1 and wave = $2 and ${column} < wave
      and not exists (select from rehome_control.moves
        where run_id = $1 and wave <= $2 and ${isOpen})`
  return (await control.pool.query(query, [run.id, run.wave])).rowCount === 1
}
