/**
 * Turns at one end. Every attempt at a tenant has a number from the control database,
 * higher than all before it, and takes its turn at both ends before it does anything there.
 *
 * The row stays when flags go. So a worker that was stopped, and wakes up long after another has
 * finished its move and let the tenant go on, finds that its turn has passed: a fencing token, as
 * in M. Kleppmann, "How to do distributed locking" (2016).
 */

import { createHash } from 'node:crypto'
import { RehomeError } from '../../../errors.ts'
import type { Pool } from '../../../postgres.ts'
import { literal } from '../../../quote.ts'
import type { FlagKey, Hold } from '../../flags.ts'

/**
 * `$1` scope, `$2` tenant, `$3` token: a row while the turn is this attempt's, which no attempt can
 * take before the statement has ended.
 */
export const ourTurn = `
  with turn as (select 1 from rehome.turns
    where scope = $1 and tenant_id = $2 and token = $3::uuid for share)`

/**
 * false: a later attempt has been here. Transactions in which an earlier one still writes are
 * ended: a process that stands still would keep its locks for ever. They are ended only while the
 * turn is this attempt's: one that wakes up between the two statements leaves the next one's alone.
 */
export async function takeTurn(pool: Pool, hold: Hold, turn: string): Promise<boolean> {
  const take = `
    insert into rehome.turns as t (scope, tenant_id, number, token)
    select $1, $2, $3::int8, $4::uuid where $3::int8 <= ${plausible}
    on conflict (scope, tenant_id) do update set number = excluded.number, token = excluded.token
    where t.number < excluded.number or t.token = excluded.token`
  const taken = await pool.query(take, [hold.scope, hold.tenant, turn, hold.token])
  if (taken.rowCount !== 1) {
    await refuseImplausible(pool, turn)
    return false
  }
  const end = `${ourTurn}
    select (select count(pg_terminate_backend(pid)) from pg_stat_activity
      where datname = current_database() and usename = current_user and application_name = $4)
    from turn`
  const { scope, tenant, token } = hold
  return (await pool.query(end, [scope, tenant, token, sessionName(hold)])).rowCount === 1
}

/**
 * Turns are counted by one control database, for all ends: an end that has not been used for long
 * finds a gap, and numbers by a clock of milliseconds begin high. A number far above would shut out
 * every attempt after it, for good.
 */
const jumpMax = 10_000_000_000_000n
const plausible = `(select coalesce(max(number), 0) + ${jumpMax} from rehome.turns)`

/** Throws USAGE. */
async function refuseImplausible(pool: Pool, turn: string): Promise<void> {
  const highest = await highestTurn(pool)
  if (BigInt(turn) <= highest + jumpMax) return
  const message = `turn ${turn} is not plausible: the highest that was here is ${highest}`
  throw new RehomeError('USAGE', message)
}

/** The highest number that any attempt has had here; 0 where there was none. */
export async function highestTurn(pool: Pool): Promise<bigint> {
  const query = 'select coalesce(max(number), 0)::text as number from rehome.turns'
  return BigInt((await pool.query(query)).rows[0].number)
}

/** A statement that holds until the transaction ends: the next turn finds the session by it. */
export function nameSession(key: FlagKey): string {
  return `set local application_name = ${literal(sessionName(key))}`
}

/** The `application_name` of a session that works for this tenant. */
export function sessionName({ scope, tenant }: FlagKey): string {
  const key = createHash('md5').update(`${scope}\u0000${tenant}`).digest('hex')
  return `rehome tenant ${key}`
}
