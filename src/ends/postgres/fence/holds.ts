/** Under what the transactions run in which an attempt writes a closed tenant's rows. */

import type { QueryResult } from 'pg'
import { RehomeError } from '../../../errors.ts'
import { type Client, sqlStateOf } from '../../../postgres.ts'
import { literal } from '../../../quote.ts'
import type { Flag, Hold } from '../../flags.ts'
import { queryTogether } from '../query-together.ts'
import { rowPath, type Schemas } from '../search-path.ts'
import { sessionName } from './turns.ts'

/**
 * First statement of each transaction of ours that writes a closed tenant's rows: the row lock
 * makes a takeover wait for this transaction, and a worker that was taken over finds no row.
 *
 * What is written until the transaction ends calls functions of the application, at least those of
 * its checks: they find what they name by the path that the plan gives them.
 */
export async function holdFlag(
  client: Client,
  hold: Hold,
  end: Schemas,
): Promise<Flag['mode'] | null> {
  return modeOf(await client.query(holdStatement(hold, end)))
}

// The turn's row is not locked: the attempt with the next turn ends this transaction, by its name.
function holdStatement(hold: Hold, end: Schemas): string {
  const [scope, tenant, token] = [hold.scope, hold.tenant, hold.token].map(literal)
  return `select f.mode, set_config('rehome.token', ${token}, true),
      set_config('application_name', ${literal(sessionName(hold))}, true),
      set_config('search_path', ${literal(rowPath(end))}, true)
    from rehome.tenant_flags f join rehome.turns t using (scope, tenant_id)
    where f.scope = ${scope} and f.tenant_id = ${tenant} and f.token = ${token}::uuid
      and t.token = ${token}::uuid
    for share of f`
}

/**
 * Holds the flag by a statement that fails unless the end receives rows from this attempt, so that
 * others can be sent with it: none of them is done then. `refusalOf` knows its error.
 */
export function holdOrFail(hold: Hold, end: Schemas): string {
  return `select (case h.mode when 'receiving' then '0' else '${refused}' || h.mode end)::int4
    from (select coalesce((select mode from (${holdStatement(hold, end)}) f),
      '${notOurs}') as mode) h`
}

const notOurs = 'not closed by this attempt'
const refused = 'rehome: the target is '

/** FENCE_LOST, where `holdOrFail` has refused. */
export function refusalOf(error: unknown, hold: Hold): RehomeError | null {
  if (!(error instanceof Error) || sqlStateOf(error) !== '22P02') return null
  const mode = error.message.split(refused)[1]?.replace(/"$/, '')
  return mode === undefined ? null : fenceLost(mode, hold)
}

function modeOf({ rows }: QueryResult): Flag['mode'] | null {
  return rows[0]?.mode ?? null
}

/** Locks a hold to write rows: throws FENCE_LOST unless the end receives them from this attempt. */
export async function holdReceiving(client: Client, hold: Hold, end: Schemas): Promise<void> {
  refuseOthers(await holdFlag(client, hold, end), hold)
}

/** Begins a transaction and locks its hold, in one call. `begin`: one or more statements. */
export async function beginReceiving(
  client: Client,
  hold: Hold,
  { end, begin }: { readonly end: Schemas; readonly begin: string },
): Promise<void> {
  const held = (await queryTogether(client, [begin, holdStatement(hold, end)])).at(-1)
  refuseOthers(held ? modeOf(held) : null, hold)
}

function refuseOthers(mode: Flag['mode'] | null, hold: Hold): void {
  if (mode !== 'receiving') throw fenceLost(mode ?? notOurs, hold)
}

function fenceLost(mode: string, { tenant }: Hold): RehomeError {
  const message = `the target is ${mode}: no row was written there`
  return new RehomeError('FENCE_LOST', message, { tenant })
}
