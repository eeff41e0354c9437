/**
 * Brings the target's sequences past the ids that were copied, so that the next row gets a free
 * one. They are only ever moved forward, and the copied rows' own maximum decides.
 */

import { sleep } from '../../../clock.ts'
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import {
  type Client,
  endIfIdle,
  explain,
  inTransaction,
  type Pool,
  sqlStateOf,
} from '../../../postgres.ts'
import { ident, qualified } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'

/** `from … r where …` gives the tenant's rows, whose largest id in `column` is to be passed. */
export interface SequenceUse {
  readonly column: string
  readonly sequence: string
  readonly table: string
  readonly descending: boolean
}

export function sequencesOf(table: CatalogTable): SequenceUse[] {
  return table.columns.flatMap((column) => {
    const { name, sequence } = column
    if (sequence === null) return []
    return [{ column: name, sequence, table: table.name, descending: descends(column) }]
  })
}

/** The sequence counts down. */
export function descends({ step }: { readonly step?: number | null | undefined }): boolean {
  return (step ?? 1) < 0
}

/** The largest id of the tenant's rows, or the smallest one, or null without rows. */
export async function largestId(
  end: SqlEnd,
  use: { table: string; column: string; where: string; descending: boolean },
): Promise<bigint | null> {
  const query = `select ${use.descending ? 'min' : 'max'}(r.${ident(use.column)})::text as id
    from ${qualified(end.schema, use.table)} r where ${use.where}`
  const id: string | null = (await end.pool.query(query)).rows[0]?.id ?? null
  return id === null ? null : BigInt(id)
}

/** The number that it gave last, or will give first. */
export async function positionOf(end: SqlEnd, sequence: string): Promise<bigint> {
  const query = `select last_value::text as position from ${sequence}`
  return BigInt((await end.pool.query(query)).rows[0].position)
}

/** false where the sequence had already passed `id`. */
export async function advanceSequence(end: SqlEnd, sequence: string, id: bigint): Promise<boolean> {
  const passed = `sign(s.last_value::numeric - $2::int8) = sign(q.seqincrement)
    or (s.last_value = $2::int8 and s.is_called) or $2::int8 not between q.seqmin and q.seqmax`
  const from = `from ${sequence} s, pg_sequence q where q.seqrelid = $1::regclass`
  const values = [sequence, String(id)]
  // In steps of the sequence: two ends may part the numbers between them by odd and even. One that
  // has no step left stands at its end.
  const step = `s.last_value::numeric
      + ceil(($2::int8 - s.last_value::numeric) / q.seqincrement) * q.seqincrement`
  const advance = `select setval($1::regclass, least(greatest(${step}, q.seqmin), q.seqmax)::int8)
    ${from} and not (${passed})`
  try {
    // It never goes back, so nothing has to be locked to see that it is there already.
    if ((await end.pool.query(`select ${from} and (${passed})`, values)).rowCount === 1)
      return false
    return await withSequence(end.pool, sequence, async (db) => {
      return (await db.query(advance, values)).rowCount === 1
    })
  } catch (error) {
    throw explain(error, `sequence ${sequence} of the ${end.name}`)
  }
}

const lockTriesMax = 3
/** The longest wait for the lock, in ms. Callers of `nextval` wait as long. */
const lockMs = 50

/**
 * Runs with the sequence locked, so that no session passes us between the look and the set. Each
 * transaction that has taken a number keeps the lock from us until it ends, and while we wait all
 * others wait behind us. So the wait is short, and after a few tries the two happen in one
 * statement without.
 */
async function withSequence<T>(
  pool: Pool,
  sequence: string,
  work: (db: Pool | Client) => Promise<T>,
): Promise<T> {
  for (let tries = 1; tries <= lockTriesMax; tries += 1) {
    try {
      return await inTransaction(pool, async (client) => {
        await endIfIdle(client)
        await lockSequence(client, sequence)
        return await work(client)
      })
    } catch (error) {
      if (sqlStateOf(error) === '42501') break
      if (sqlStateOf(error) !== '55P03') throw error
      await sleep(lockMs * (1 + Math.random()))
    }
  }
  return await work(pool)
}

/**
 * No `lock table` exists for sequences, but any `alter sequence` takes SHARE ROW EXCLUSIVE and
 * keeps nextval() waiting until commit. Only the owner may.
 */
async function lockSequence(client: Client, sequence: string): Promise<void> {
  await client.query(`set local lock_timeout = ${lockMs}`)
  const cache = `select seqcache::text as cache from pg_sequence where seqrelid = $1::regclass`
  const size = BigInt((await client.query(cache, [sequence])).rows[0].cache)
  await client.query(`alter sequence ${sequence} cache ${size}`)
}
