/**
 * Brings the target's sequences past the ids that were copied, so that the next row gets a free
 * one. They are only ever moved forward, and the copied rows' own maximum decides.
 */
import type { CatalogTable } from '../../plan/catalog.ts'
import { type Client, endIfIdle, explain, inTransaction, sqlStateOf } from '../../postgres.ts'
import { ident, qualified } from '../../quote.ts'
import type { SqlEnd } from './end.ts'

/** `from … r where …` gives the tenant's rows, whose largest id in `column` is to be passed. */
export interface SequenceUse {
  readonly column: string
  readonly sequence: string
  readonly table: string
}

export function sequencesOf(table: CatalogTable): SequenceUse[] {
  return table.columns.flatMap(({ name, sequence }) =>
    sequence === null ? [] : [{ column: name, sequence, table: table.name }],
  )
}

/** The largest id of the tenant's rows, or null without rows. */
export async function largestId(
  end: SqlEnd,
  use: { table: string; column: string; where: string },
): Promise<bigint | null> {
  const query = `select max(r.${ident(use.column)})::text as id
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
  const position = `select from ${sequence} where last_value > $1::int8
    or (last_value = $1::int8 and is_called)`
  try {
    // It never goes back, so nothing has to be locked to see that it is there already.
    if ((await end.pool.query(position, [String(id)])).rowCount === 1) return false
    return await inTransaction(end.pool, async (client) => {
      await endIfIdle(client)
      await lockSequence(client, sequence)
      // In steps of the sequence: two ends may part the numbers between them by odd and even.
      const query = `select setval($1::regclass, (s.last_value::numeric
          + ceil(($2::int8 - s.last_value::numeric) / q.step) * q.step)::int8)
        from ${sequence} s, (select greatest(seqincrement, 1) as step from pg_sequence
          where seqrelid = $1::regclass) q
        where s.last_value < $2::int8 or (s.last_value = $2::int8 and not s.is_called)`
      return (await client.query(query, [sequence, String(id)])).rowCount === 1
    })
  } catch (error) {
    throw explain(error, `sequence ${sequence} of the ${end.name}`)
  }
}

/**
 * No `lock table` exists for sequences, but any `alter sequence` takes SHARE ROW EXCLUSIVE and
 * keeps nextval() waiting until commit, so that nobody passes us between the look and the set. Only
 * the owner may; without it the two happen in one statement.
 */
async function lockSequence(client: Client, sequence: string): Promise<void> {
  await client.query('savepoint before_lock')
  try {
    const cache = `select seqcache::text as cache from pg_sequence where seqrelid = $1::regclass`
    const size = BigInt((await client.query(cache, [sequence])).rows[0].cache)
    await client.query(`alter sequence ${sequence} cache ${size}`)
  } catch (error) {
    if (sqlStateOf(error) !== '42501') throw error
    await client.query('rollback to before_lock')
  }
}
