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
import type { Flag, FlagKey, Hold, Turn } from '../../flags.ts'
import { queryTogether } from '../query-together.ts'
import { flagColumns } from './flag-columns.ts'

/**
 * `$1` scope, `$2` tenant, `$3` token: a row while the turn is this attempt's, which no attempt can
 * take before the statement has ended.
 */
export const ourTurn = `
  with turn as (select 1 from rehome.turns
    where scope = $1 and tenant_id = $2 and token = $3::uuid for share)`

/** `ourTurn` with its values, for statements that are sent together. */
export function turnOf(hold: Hold): string {
  const [scope, tenant, token] = [hold.scope, hold.tenant, hold.token].map(literal)
  return `
    with turn as (select 1 from rehome.turns
      where scope = ${scope} and tenant_id = ${tenant} and token = ${token}::uuid for share)`
}

/**
 * null: a later attempt has been here. Transactions in which an earlier one still writes are
 * ended: a process that stands still would keep its locks for ever. They are ended only while the
 * turn is this attempt's, and after the commit that lets none of them begin another.
 */
export async function takeTurn(pool: Pool, hold: Hold, turn: string): Promise<Turn | null> {
  const [scope, tenant, token, number] = [hold.scope, hold.tenant, hold.token, turn].map(literal)
  const take = `
    insert into rehome.turns as t (scope, tenant_id, number, token)
    select ${scope}, ${tenant}, ${number}::int8, ${token}::uuid
    where ${number}::int8 <= ${plausible}
    on conflict (scope, tenant_id) do update set number = excluded.number, token = excluded.token
    where t.number < excluded.number or t.token = excluded.token`
  const end = `${turnOf(hold)}
    select (select count(pg_terminate_backend(pid)) from pg_stat_activity
      where datname = current_database() and usename = current_user
        and application_name = ${literal(sessionName(hold))}) as ended, f.*
    from turn left join (select ${flagColumns} from rehome.tenant_flags
      where scope = ${scope} and tenant_id = ${tenant}) f on true`
  const [, taken, , ended] = await queryTogether(pool, ['begin', take, 'commit', end])
  if (taken?.rowCount !== 1) await refuseImplausible(pool, turn)
  const flag: (Flag & { readonly ended: string }) | undefined = ended?.rows[0]
  if (taken?.rowCount !== 1 || !flag) return null
  const { ended: _, ...rest } = flag
  return { flag: rest.mode === null ? null : rest }
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
