/**
 * Named queries on holds: moves that wait before their cutover, or before their start where their
 * run is offline. A held move of an online run has no worker: attempts look at it from time to
 * time, and each of them ends by asking here when the next look is due.
 */
import { sql } from 'kysely'
import { type RehomeError, storable } from '../../errors.ts'
import type { Phase } from '../../phases.ts'
import type { StoredWindow } from '../../plan/timing/windows.ts'
import type { Control } from '../database.ts'
import { isStoppable } from '../steer.ts'

/** Reasons why a move waits, as they are stored now. */
export interface HoldState {
  readonly held: boolean
  /** Time to its moment, in ms; 0: it has none, or it has come. */
  readonly waitMs: number
  readonly windows: readonly StoredWindow[] | null
}

export async function holdStateOf(control: Control, id: string): Promise<HoldState> {
  const query = `select held, windows, greatest(0, coalesce(
      extract(epoch from complete_after - clock_timestamp()) * 1000, 0))::float8 as "waitMs"
    from rehome_control.moves where id = $1`
  const { rows } = await control.pool.query<HoldState>(query, [id])
  return rows[0] ?? { held: false, waitMs: 0, windows: null }
}

export interface Look {
  readonly phase: Phase
  /** Time to the next look, unless the hold ends before, in ms. */
  readonly everyMs: number
  /** So long before the hold ends the next look is due: it has to be ready then. */
  readonly leadMs: number
  /** When its window opens; null: its moment stays as it is. */
  readonly opensAt: Date | null
  /** Kept with the move. */
  readonly evidence: Readonly<Record<string, unknown>>
  /** Reason why the move cannot go on when its hold ends; null: it can. */
  readonly trouble: RehomeError | null
  /** Stored as an event; null: nothing has changed since the look before. */
  readonly message: string | null
  /** A look at a move that was held before is no attempt of its own. */
  readonly isRepeated: boolean
}

/**
 * The moment of a held move after a look. It is read from the row that is updated, which may have
 * changed while the statement waited for it: somebody has completed the move.
 */
const moment = `(case when windows is null then complete_after
  else coalesce($11::timestamptz, complete_after) end)`

/**
 * Leaves the move held. Returns the time to the next look in ms, 0 if the hold has ended meanwhile;
 * null: the move is no longer this attempt's.
 */
export async function keepHeld(
  control: Control,
  held: { readonly id: string; readonly token: string; readonly attempt: number },
  look: Look,
): Promise<number | null> {
  const query = `with kept as (
      update rehome_control.moves set phase = $12, attempts_used = 0,
        attempt = attempt - $4::int, evidence = evidence || $5::jsonb, complete_after = ${moment},
        not_before = clock_timestamp() + case when held then $6 * interval '1 ms'
          else least($6 * interval '1 ms', greatest(interval '0',
            coalesce(${moment} - $10 * interval '1 ms' - clock_timestamp(), interval '0'))) end,
        failed_phase = case when $7::text is not null then $12 end,
        error_code = $7, error_message = $8, error_data = null, gives_way = null,
        updated_at = clock_timestamp()
      where id = $1 and token = $2 and open
      returning id, greatest(0, extract(epoch from not_before - clock_timestamp()) * 1000)::float8 as ms
    ), told as (
      insert into rehome_control.events (move_id, attempt, kind, phase, message)
      select id, $3::int, 'waiting', $12, $9::text from kept where $9::text is not null
    )
    select ms from kept`
  const { phase, everyMs, leadMs, opensAt, evidence, trouble, message, isRepeated } = look
  const { id, token, attempt } = held
  const { rows } = await control.pool.query(query, [
    ...[id, token, attempt, isRepeated ? 1 : 0, JSON.stringify(evidence), everyMs],
    ...[trouble?.code ?? null, trouble ? storable(trouble.message) : null],
    ...[message === null ? null : storable(message), leadMs, opensAt, phase],
  ])
  return rows[0]?.ms ?? null
}

/** Open moves of a run that are held. */
export interface Holds {
  /** Those that a person has to let go. */
  readonly untilTold: number
  /** Those that wait for a moment, without those of before. */
  readonly untilDate: number
  /** The earliest moment. */
  readonly date: Date | null
  /** Those that are in trouble, and an example. */
  readonly troubled: number
  readonly trouble: string | null
}

/** Reads entries of an index for held moves alone. */
export async function holdsOf(control: Control, runId: string): Promise<Holds> {
  const dated = sql`not held and complete_after > clock_timestamp()`
  const troubled = sql`error_code in ('HOLD_FALLS_BEHIND', 'WINDOW_TOO_SHORT')`
  return await control.db
    .selectFrom('moves')
    .select([
      sql<number>`(count(*) filter (where held))::int`.as('untilTold'),
      sql<number>`(count(*) filter (where ${dated}))::int`.as('untilDate'),
      sql<Date | null>`min(complete_after) filter (where ${dated})`.as('date'),
      sql<number>`(count(*) filter (where ${troubled}))::int`.as('troubled'),
      sql<string | null>`min(error_code || ': ' || error_message) filter (where ${troubled})`.as(
        'trouble',
      ),
    ])
    .where('run_id', '=', runId)
    .where(sql<boolean>`open and (held or complete_after is not null)`)
    .where(isStoppable)
    .executeTakeFirstOrThrow()
}

/** How fast the moves of a plan were. */
export interface Rate {
  /** From the start to the cutover. */
  readonly rowsPerMs: number
  /** Rows of the largest tenant among them. */
  readonly largestRows: number
}

/**
 * The rate of the ten largest moves of the plan's last ten runs that have ended; null: none has.
 * What every move takes, however small it is, would hide the rate of the rows in the others. Time
 * in a hold proves nothing about rows.
 */
export async function rateOf(control: Control, plan: string): Promise<Rate | null> {
  const query = `with ended as (
      select m.rows_copied, (select sum(p.value::float8)
        from jsonb_each_text(m.evidence -> 'movePhaseMs') p where p.key <> 'hold') as ms
      from (select id from rehome_control.runs where plan_name = $1 and not rehearsal
        order by created_at desc limit 10) r
      cross join lateral (select rows_copied, evidence from rehome_control.moves
        where run_id = r.id and phase = 'moved' and rows_copied > 0
        order by rows_copied desc limit 10) m
      order by m.rows_copied desc limit 10
    )
    select (sum(rows_copied) / sum(ms))::float8 as "rowsPerMs",
      max(rows_copied)::float8 as "largestRows"
    from ended where ms > 0 having count(*) > 0`
  const { rows } = await control.pool.query<Rate>(query, [plan])
  return rows[0] ?? null
}

/** Until when a move is held, as a part of a sentence. */
export function untilText(
  runId: string,
  { held, until }: { readonly held: boolean; readonly until: Date | null },
): string {
  return held || until === null
    ? `until \`rehome complete ${runId}\``
    : `until ${until.toISOString()}`
}
