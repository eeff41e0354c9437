/** Where a tenant can be written just now, found by writing and taking it back. */
import type pg from 'pg'
import type { EndName } from '../../demo/application/ledger.ts'
import { type Ends, endNames } from '../tenants.ts'

/** An end's answer to an ordinary write of the tenant: `absent` has no row of it. */
export type Answer = 'accepts' | 'refuses' | 'absent'

export async function answersOf(
  pools: Ends<pg.Pool>,
  tenant: string,
): Promise<Readonly<Record<EndName, Answer>>> {
  const [source, target] = await Promise.all(endNames.map((end) => ask(pools[end], tenant)))
  if (!source || !target) throw new Error('there are two ends')
  return { source, target }
}

/** The only end that accepts; null where there is none, or two. */
export async function homeOf(pools: Ends<pg.Pool>, tenant: string): Promise<EndName | null> {
  const answers = await answersOf(pools, tenant)
  const [home, second] = endNames.filter((end) => answers[end] === 'accepts')
  return home && !second ? home : null
}

async function ask(pool: pg.Pool, tenant: string): Promise<Answer> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const touch = 'update tenants set name = name where id = $1'
    const { rowCount } = await client.query(touch, [tenant])
    return rowCount === 1 ? 'accepts' : 'absent'
  } catch (error) {
    if (error instanceof Error && 'hint' in error && error.hint === 'rehome:fenced')
      return 'refuses'
    throw error
  } finally {
    client.release(true)
  }
}
