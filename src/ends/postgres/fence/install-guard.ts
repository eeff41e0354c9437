/** Installs a guard without keeping a table's writers waiting for long. */
import { sleep } from '../../../clock.ts'
import { endIfIdle, explain, inTransaction, type Pool, sqlStateOf } from '../../../postgres.ts'

/**
 * Creating a trigger takes SHARE ROW EXCLUSIVE: it waits for writers, and writers wait for it. So
 * the wait is short and repeated, rather than long, and a command that stands still lets go.
 */
export async function installGuard(pool: Pool, statements: readonly string[]): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await inTransaction(pool, async (client) => {
        await endIfIdle(client)
        await client.query(`select pg_advisory_xact_lock(hashtext('rehome init'))`)
        await client.query(`set local lock_timeout = '300ms'`)
        for (const statement of statements) await client.query(statement)
      })
    } catch (error) {
      const passing = ['55P03', '40P01'].includes(sqlStateOf(error) ?? '')
      if (!passing || tries >= 50) throw explain(error, 'installing a guard')
      await sleep(100 + Math.random() * 200)
    }
  }
}
