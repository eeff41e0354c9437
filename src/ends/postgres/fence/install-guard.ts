/** Installs a guard without keeping a table's writers waiting for long. */
import { sleep } from '../../../clock.ts'
import { RehomeError } from '../../../errors.ts'
import { endsIfIdle, type Pool, sqlStateOf, toRehomeError, withClient } from '../../../postgres.ts'
import { guardTrouble } from './guard-probe.ts'
import type { Guarded } from './guard-sql.ts'

export interface MissingGuard {
  readonly guarded: Guarded
  readonly statements: readonly string[]
}

/**
 * Installs a guard that works. Throws PREFLIGHT_FAILED where it would fail writes of its table.
 * `where` is the end, as the message names it.
 */
export async function installWorking(
  pool: Pool,
  { guarded, statements }: MissingGuard,
  where: string,
): Promise<void> {
  const trouble = await guardTrouble(pool, guarded)
  if (trouble === null) return await installGuard(pool, statements)
  const message = `${where} table "${guarded.table.name}": a guard would fail every write (${trouble}), so none was installed`
  throw new RehomeError('PREFLIGHT_FAILED', message)
}

/**
 * Creating a trigger takes SHARE ROW EXCLUSIVE: it waits for writers, and writers wait for it. So
 * the wait is short and repeated, rather than long, and a command that stands still lets go. All
 * is sent as one call: no writer waits for the way between us and the server.
 */
export async function installGuard(pool: Pool, statements: readonly string[]): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await withClient(pool, async (client) => {
        await client.query(
          `begin; ${endsIfIdle}; select pg_advisory_xact_lock(hashtext('rehome init'))`,
        )
        const inOneCall = [`set local lock_timeout = '300ms'`, ...statements, 'commit']
        await client.query(inOneCall.join(';\n'))
      })
    } catch (error) {
      const passing = ['55P03', '40P01'].includes(sqlStateOf(error) ?? '')
      if (!passing || tries >= 50) throw toRehomeError(error, 'installing a guard')
      await sleep(100 + Math.random() * 200)
    }
  }
}
