/**
 * Rows into a table, but for those that collide with rows which are there: one COPY where none
 * does, and halves of it, again and again, where some do.
 */

import { itemAt } from '../../../known.ts'
import { type Client, sqlStateOf } from '../../../postgres.ts'
import type { FeedTable } from '../../feed.ts'
import type { Texts } from '../../tenant-rows.ts'
import { fromParents } from '../changes/feed-tables.ts'
import { copyInto, textRows } from './copy-into.ts'

export interface Placing {
  readonly schema: string
  readonly table: FeedTable
  readonly columns: readonly string[]
  readonly rows: readonly Texts[]
}

/** Places among the rows, of those that are not there. */
export interface LeftOut {
  readonly collided: readonly number[]
  readonly orphaned: readonly number[]
}

/**
 * In the caller's transaction, which foreign keys do not keep. A row without its parent would be
 * without an owner: none is placed.
 */
export async function placeRows(
  client: Client,
  tenant: string,
  placing: Placing,
): Promise<LeftOut> {
  const orphaned = await orphansOf(client, tenant, placing)
  const alone = new Set(orphaned)
  const places = placing.rows.map((_, i) => i).filter((i) => !alone.has(i))
  return { orphaned, collided: await placeSome(client, placing, places) }
}

async function placeSome(
  client: Client,
  placing: Placing,
  places: readonly number[],
): Promise<number[]> {
  if (places.length === 0) return []
  await client.query('savepoint one_copy')
  try {
    const copy = copyInto(client, { schema: placing.schema, table: placing.table.table })
    const rows = places.map((i) => itemAt(placing.rows, i))
    await copy.write(textRows(rows, placing.columns))
    await copy.end()
    await client.query('release savepoint one_copy')
    return []
  } catch (error) {
    if (!collides.has(sqlStateOf(error) ?? '')) throw error
    await client.query('rollback to savepoint one_copy; release savepoint one_copy')
  }
  if (places.length === 1) return [...places]
  const half = Math.ceil(places.length / 2)
  return [
    ...(await placeSome(client, placing, places.slice(0, half))),
    ...(await placeSome(client, placing, places.slice(half))),
  ]
}

/** unique_violation, exclusion_violation. */
const collides = new Set(['23505', '23P01'])

async function orphansOf(client: Client, tenant: string, placing: Placing): Promise<number[]> {
  const { schema, table, columns, rows } = placing
  const { path } = table
  if (path.kind !== 'through' || rows.length === 0) return []
  const at = path.columns.map((name) => columns.indexOf(name))
  if (at.includes(-1)) return []
  const values = rows.map((row) => at.map((i) => row[i] ?? null))
  const query = fromParents({ schema, table, tenant }, values)
  return (await client.query(query)).rows.map(({ i }: { i: number }) => i)
}
