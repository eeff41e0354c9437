/**
 * Named queries on the moves at once that a server allows, whichever end it is, over all runs and
 * workers. Each limited server has so many slots, as rows. A move takes one of each of its ends in
 * one statement, or none; an attempt that has died loses its slots after a while, and the next
 * attempt at the same move takes them over at once.
 */
import type { Control } from '../database.ts'
import { isStoppableText } from '../steer.ts'

/** `host:port` of a place, as `host:port/database` or a URL names it. */
const serverText = (place: string) => `substring(${place} from '^(?:[a-z]+://)?([^/]*)')`

const serversText = `(${serverText('coalesce(moves.source, runs.source)')},
  ${serverText('coalesce(moves.target, runs.target)')})`

/** In statements on `moves` and `runs`. Past the cutover nothing keeps a move from its end. */
export const needsSlotText = `(${isStoppableText} and exists (
  select from rehome_control.server_slots s where s.server in ${serversText}))`

/** An attempt renews its slot more often than that. */
const takenS = 30

export interface SlotHolder {
  readonly moveId: string
  /** New for every attempt. */
  readonly by: string
}

/** false: a server has no free slot, and none was taken. */
export async function takeSlots(control: Control, { moveId, by }: SlotHolder): Promise<boolean> {
  const query = `with wanted as (
      select distinct s.server from rehome_control.server_slots s
      join rehome_control.moves on moves.id = $1
      join rehome_control.runs on runs.id = moves.run_id
      where s.server in ${serversText}
    ), free as (
      select w.server, f.number from wanted w cross join lateral (
        select s.number from rehome_control.server_slots s
        where s.server = w.server and (s.move_id = $1 or s.taken_until < clock_timestamp())
        order by s.move_id is not distinct from $1 desc, s.number
        limit 1 for update skip locked) f
    ), taken as (
      update rehome_control.server_slots s set move_id = $1, taken_by = $2,
        taken_until = clock_timestamp() + ${takenS} * interval '1 s'
      from free f where s.server = f.server and s.number = f.number
        and (select count(*) from free) = (select count(*) from wanted)
      returning s.server
    )
    select (select count(*) from taken) = (select count(*) from wanted) as "isFree"`
  return (await control.pool.query(query, [moveId, by])).rows[0].isFree
}

export async function renewSlots(control: Control, { by }: SlotHolder): Promise<void> {
  const query = `update rehome_control.server_slots
    set taken_until = clock_timestamp() + ${takenS} * interval '1 s' where taken_by = $1`
  await control.pool.query(query, [by])
}

/** Those that no other attempt has taken over. */
export async function freeSlots(control: Control, { by }: SlotHolder): Promise<void> {
  const query = `update rehome_control.server_slots
    set move_id = null, taken_by = null, taken_until = '-infinity' where taken_by = $1`
  await control.pool.query(query, [by])
}

/** Moves under way go on. null: no limit. */
export async function setServerLimit(
  control: Control,
  server: string,
  most: number | null,
): Promise<void> {
  const query = `with gone as (
      delete from rehome_control.server_slots where server = $1 and number > $2
    )
    insert into rehome_control.server_slots (server, number)
    select $1, n from generate_series(1, $2::int) n on conflict do nothing`
  await control.pool.query(query, [server, most ?? 0])
}

/** Server → moves at once. */
export async function serverLimits(control: Control): Promise<Record<string, number>> {
  const query = `select server, count(*)::int as most from rehome_control.server_slots
    group by 1 order by 1`
  const { rows } = await control.pool.query<{ server: string; most: number }>(query)
  return Object.fromEntries(rows.map(({ server, most }) => [server, most]))
}

/** Limited servers of a run, with the moves that are under way there. */
export async function slotsOf(
  control: Control,
  runId: string,
): Promise<{ server: string; most: number; taken: number }[]> {
  const query = `select s.server, count(*)::int as most,
      count(*) filter (where s.taken_until > clock_timestamp())::int as taken
    from rehome_control.runs join rehome_control.server_slots s
      on s.server in (${serverText('runs.source')}, ${serverText('runs.target')})
        or exists (select from rehome_control.moves where moves.run_id = runs.id
          and moves.open and s.server in ${serversText})
    where runs.id = $1 group by 1 order by 1`
  return (await control.pool.query(query, [runId])).rows
}
