/** Named queries on the waves of runs. */
import { type SqlBool, sql } from 'kysely'
import type { RunWave, WaveState } from '../plan/waves.ts'
import type { Control, Run } from './database.ts'
import { type BriefMove, hasComeBack, openMovesOf } from './steer-moves.ts'

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
  return run.waves as readonly RunWave[] | null
}

export type WaveCounts = Pick<WaveState, 'open' | 'failed' | 'pauseMsP99'>

const isOpen = `open and errand in ('move', 'rollback')`

/** A tenant that came back is no success; one whose rollback is under way is not over. */
const counted = `count(*) filter (where ${isOpen})::int as open,
  count(*) filter (where not open and error_code is distinct from 'SKIPPED'
    and (phase = 'failed' or ${hasComeBack}))::int as failed,
  percentile_disc(0.99) within group (order by pause_ms)
    filter (where phase = 'moved') as "pauseMsP99"`

/** Failures and pauses of the wave itself, and open moves of it and of all waves before. */
export async function waveCounts(
  control: Control,
  run: Pick<Run, 'id' | 'wave'>,
): Promise<WaveCounts> {
  const query = `select ${counted} from rehome_control.moves where run_id = $1
    and (wave = $2 or wave < $2 and open)`
  return (await control.pool.query(query, [run.id, run.wave])).rows[0]
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
      approved_wave = case when $3 then approved_wave else least(approved_wave, wave - 1) end,
      overridden_wave = case when $3 then overridden_wave else least(overridden_wave, wave - 1) end
    where id = $1 and wave = $2 and (wave_ended_at is null) = $3`
  await control.pool.query(query, [run.id, run.wave, isOver])
  const age = `select (extract(epoch from clock_timestamp() - wave_ended_at) * 1000)::float8 as ms
    from rehome_control.runs where id = $1`
  return (await control.pool.query(age, [run.id])).rows[0]?.ms ?? null
}

/** Lets the next wave begin, unless somebody else has. Returns its moves. */
export async function openWave(
  control: Control,
  run: Pick<Run, 'id' | 'wave'>,
): Promise<BriefMove[] | null> {
  const opened = await control.db
    .updateTable('runs')
    .set({ wave: run.wave + 1, wave_ended_at: null })
    .where('id', '=', run.id)
    .where('wave', '=', run.wave)
    .executeTakeFirst()
  if (opened.numUpdatedRows !== 1n) return null
  return await openMovesOf(control, { runId: run.id, wave: run.wave + 1 })
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
