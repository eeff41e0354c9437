/** Named queries on moves that are due for something: workers look for them again and again. */
import type { Control, Move } from './database.ts'
import { gateText, isOnHoldText } from './steer.ts'

/** Moves a look at open ones returns at most. */
export const openMovesMax = 200

/** Columns from which the job of a move is made. */
export type OpenMove = Pick<Move, 'id' | 'run_id' | 'tenant_id' | 'errand' | 'generation'>

/**
 * A place among the open moves: behind this one of its group. Moves of a run that begin with the
 * same wave are a group, and those of them that are held are another one. In a group, what was due
 * first comes first.
 */
export interface Place {
  readonly runId: string
  readonly gate: number
  /** When it was due, as the database writes it: a `Date` has too few digits. */
  readonly dueAt: string
  readonly id: string
}

export interface OpenMovesQuery {
  /** Moves that were touched later have a worker that is at them. In ms. */
  readonly untouchedMs: number
  /** The end of the look before. Each worker goes round in its own circle. */
  readonly after: Place
  /** Moves of these plans. Default: of any. */
  readonly fingerprints?: readonly string[] | undefined
}

/** Before all moves of a group. */
export const firstOfGroup = { dueAt: '-infinity', id: '00000000-0000-0000-0000-000000000000' }

const start: Place = { runId: '', gate: 0, ...firstOfGroup }

/** Condition of the moves that the index lists. */
const isListed = `m.open and m.has_job and ${gateText} is not null`

/** The first of the groups behind `g`: one entry of the index is read. */
const nextGroup = `select m.run_id, ${gateText} as gate from rehome_control.moves m
  where ${isListed} and (m.run_id, ${gateText}) > (g.run_id, g.gate)
  order by m.run_id, ${gateText} limit 1`

/**
 * Walks from group to group, and reads moves only of those that nothing holds back, and of them
 * only those that are due: paused runs, waves to come and moves that are held before their start
 * cost an entry of the index each, however many they are. Ends once it has enough. A rehearsal has
 * no job: its command does the work, unless that has died.
 */
export const lookText = `
  with recursive groups as (
    select $1::text as run_id, $2::int as gate, $3::timestamptz as due_at, $4::uuid as after
    union all
    select n.run_id, n.gate, '-infinity', '${start.id}'::uuid from groups g cross join lateral (${nextGroup}) n
  )
  select m.* from groups g
    cross join lateral (select r.strategy from rehome_control.runs r where r.id = g.run_id
      and (g.gate = 0 or (r.paused is null and abs(g.gate) <= r.wave))
      and (g.gate >= 0 or r.strategy = 'online')
      and ($7::text[] is null or r.plan_fingerprint = any ($7)) offset 0) r
    cross join lateral (
      select m.id, m.run_id, m.tenant_id, m.errand, m.generation, ${gateText} as gate,
        m.not_before::text as "dueAt"
      from rehome_control.moves m
      where ${isListed} and m.run_id = g.run_id and ${gateText} = g.gate
        and (m.not_before, m.id) > (g.due_at, g.after) and m.not_before <= statement_timestamp()
        and (m.errand <> 'rehearse' or m.updated_at < clock_timestamp() - interval '10 min')
        and m.updated_at < clock_timestamp() - $5 * interval '1 ms'
        and not (g.gate > 0 and r.strategy = 'offline' and ${isOnHoldText('m')})
      order by m.not_before, m.id limit $6) m
  limit $6`

/**
 * Moves that should have a job: due, not held back, and untouched for a while. At most 200,
 * beginning behind `after` and going on with the first one after the last. `next`: where the next
 * look begins.
 */
export async function openMoves(
  control: Pick<Control, 'pool'>,
  { untouchedMs, after, fingerprints }: OpenMovesQuery,
): Promise<{ moves: OpenMove[]; next: Place }> {
  const look = async ({ runId, gate, dueAt, id }: Place, most: number) => {
    const values = [runId, gate, dueAt, id, untouchedMs, most, fingerprints ?? null]
    const answer = await control.pool.query<OpenMove & Omit<Place, 'runId'>>(lookText, values)
    return answer.rows
  }
  const behind = await look(after, openMovesMax)
  const left = openMovesMax - behind.length
  const before = left === 0 ? [] : await look(start, left)
  const moves = new Map([...behind, ...before].map((move) => [move.id, move]))
  const last = before.at(-1) ?? behind.at(-1)
  return {
    moves: [...moves.values()],
    next: last ? { runId: last.run_id, gate: last.gate, dueAt: last.dueAt, id: last.id } : after,
  }
}

/** Groups among which one is drawn, and moves of it, at most. */
const drawnMax = 1_000

/** Any place, so that not all workers look at the same moves of a million. */
export async function anyPlace(control: Pick<Control, 'pool'>): Promise<Place> {
  const query = `with recursive groups as (
      select '' as run_id, 0 as gate
      union all
      select n.run_id, n.gate from groups g cross join lateral (${nextGroup}) n
    )
    select run_id as "runId", gate from groups where run_id <> '' limit ${drawnMax}`
  type Group = Pick<Place, 'runId' | 'gate'>
  const { rows } = await control.pool.query<Group>(query)
  const group = rows[Math.floor(Math.random() * rows.length)]
  if (!group) return start
  const among = `select m.not_before::text as "dueAt", m.id from (
      select m.not_before, m.id from rehome_control.moves m
      where ${isListed} and m.run_id = $1 and ${gateText} = $2
      order by m.not_before, m.id limit ${drawnMax}) m
    order by random() limit 1`
  const drawn = await control.pool.query<Omit<Place, keyof Group>>(among, [group.runId, group.gate])
  return { ...group, ...(drawn.rows[0] ?? firstOfGroup) }
}

export interface MoveInHand extends Pick<Move, 'id' | 'tenant_id' | 'source' | 'target' | 'open'> {
  /** Text of the database: a `Date` has too few digits. */
  readonly updatedAt: string
  /** When the database was asked, in the same form. */
  readonly askedAt: string
  /** Its rollback window had not ended then. */
  readonly inWindow: boolean
}

/** Moves in hand at a time. */
const inHandMax = 200

/** Phases of moves whose tenant may be closed at both ends until its new home is opened. */
const mayBeClosed = `array[m.phase, m.failed_phase]
  && array['cutover', 'release', 'undo_cutover', 'undo_release']`

/** Two indexes have the same words. */
export const inHandText = `select m.id, m.tenant_id, m.source, m.target, m.open,
    m.updated_at::text as "updatedAt", statement_timestamp()::text as "askedAt",
    coalesce(m.window_until > statement_timestamp(), false) as "inWindow"
  from rehome_control.moves m join rehome_control.runs r on r.id = m.run_id
  where r.plan_name = $1
    and (m.source is not null or m.target is not null) and m.phase <> 'queued'
    and (m.open or m.rested_at is null or m.rested_at < m.updated_at
      or (m.rested_at < m.window_until and m.window_until <= statement_timestamp()))
  order by ${mayBeClosed} desc, random() limit ${inHandMax}`

/**
 * Moves of all versions of a plan, some at a time, at whose ends there may be fences or logs that
 * lapse or last: those that have begun, and have changed since a worker found nothing there, or
 * have come to the end of their window. Those whose home may have to be opened come first.
 */
export async function movesInHand(
  { pool }: Pick<Control, 'pool'>,
  planName: string,
): Promise<MoveInHand[]> {
  return (await pool.query<MoveInHand>(inHandText, [planName])).rows
}

/**
 * Notes that the ends of these moves need no looking after, unless the moves have changed, and up
 * to the end of the window that they were in when the database was asked.
 */
export async function noteRest(
  { pool }: Pick<Control, 'pool'>,
  moves: readonly MoveInHand[],
): Promise<void> {
  const query = `update rehome_control.moves m set rested_at = n.asked_at
    from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) n (id, updated_at, asked_at)
    where m.id = n.id and m.updated_at = n.updated_at and not m.open`
  const columns = [
    moves.map(({ id }) => id),
    moves.map(({ updatedAt }) => updatedAt),
    moves.map(({ askedAt }) => askedAt),
  ]
  await pool.query(query, columns)
}

/** Condition of the moves that the index of audits lists. In statements on `moves m`. */
export const canBeAudited = `m.phase = 'moved' and not m.open and not m.cleanup_begun
  and m.window_until is not null`

/** Ten minutes in which a window ends. In statements on `moves m`; an index has the same words. */
export const endText = (until: string) =>
  `(floor(extract(epoch from ${until} at time zone 'UTC') / 600)::integer)`

/** The first ten minutes, from some on, in which windows of the run end. */
const nextEnd = (runId: string, condition: string) => `
  select ${endText('m.window_until')} as ends from rehome_control.moves m
  where ${canBeAudited} and m.run_id = ${runId} and ${endText('m.window_until')} ${condition}
  order by ${endText('m.window_until')} limit 1`

/** Audits that are asked for at once. */
const auditsMax = 20

/** The moves of the group `g` that were not audited for longest. */
const dueIn = (columns: 'm.*' | 'audited', most: number) => `
  select ${columns} from rehome_control.moves m
    cross join lateral (select coalesce(m.audited_at, m.updated_at) as audited) a
  where ${canBeAudited} and m.run_id = g.run_id and ${endText('m.window_until')} = g.ends
    and m.window_until > statement_timestamp()
    and audited < statement_timestamp() - $3 * interval '1 ms'
    and not exists (select from rehome_control.moves o
      where o.tenant_id = m.tenant_id and o.open
        and array[o.scope, o.target_scope] && array[m.scope, m.target_scope])
  order by audited limit ${most}`

/**
 * Walks from one end of windows to the next, so that windows that have ended cost nothing, however
 * many they are. Reads moves of the groups with those that were not audited for longest: a tenant
 * whose window ends last has its turn, too. A tenant that another run is busy with is passed over.
 */
export const auditsText = `
  with recursive groups as (
    select r.id as run_id, n.ends from rehome_control.runs r
      cross join lateral (${nextEnd('r.id', `>= ${endText('statement_timestamp()')}`)}) n
    where r.plan_name = $1 and r.plan_fingerprint = $2
    union all
    select g.run_id, n.ends from groups g
      cross join lateral (${nextEnd('g.run_id', '> g.ends')}) n
  )
  select m.* from (
    select g.run_id, g.ends from groups g cross join lateral (${dueIn('audited', 1)}) m
    order by m.audited limit ${auditsMax}) g
  cross join lateral (${dueIn('m.*', auditsMax)}) m
  order by coalesce(m.audited_at, m.updated_at) limit ${auditsMax}`

/** Moved tenants of the plan's runs whose way back was not tried for so long. At most 20. */
export async function movesToAudit(
  control: Pick<Control, 'pool'>,
  plan: { readonly name: string; readonly fingerprint: string },
  everyMs: number,
): Promise<Move[]> {
  const values = [plan.name, plan.fingerprint, everyMs]
  return (await control.pool.query<Move>(auditsText, values)).rows
}
