/**
 * Waits for the writers that were already in when the fence was announced, without making anybody
 * queue behind us: it looks who holds the guard's lock, and looks again until they are gone.
 *
 * Only after it has returned may a snapshot be taken: every write that was let in is in it.
 */

import { now, sleep } from '../../../clock.ts'
import { RehomeError } from '../../../errors.ts'
import { type Client, type Pool, sqlStateOf, withClient } from '../../../postgres.ts'
import type { DrainOptions } from '../../rows.ts'
import { bucketsOf, bumpBuckets, type Some } from './buckets.ts'
import { bucketHolders, describeWriters, type Writer, writersOf } from './writers.ts'

/** Throws DRAIN_TIMEOUT with the processes that keep their transactions open. */
export async function drain(pool: Pool, options: DrainOptions): Promise<{ waitedMs: number }> {
  const start = now()
  const deadline = start + options.drainMs
  await withClient(pool, async (client) => {
    for (const some of bucketsOf(options.tenant)) {
      await bumpWithin(client, { ...options, some }, deadline)
    }
    await writersEnd(client, options, deadline)
  })
  return { waitedMs: now() - start }
}

/**
 * How long those that write now go on, in ms, without keeping anybody out: what a drain that began
 * now would wait for. Throws DRAIN_TIMEOUT as that does.
 */
export async function waitForWriters(pool: Pool, options: DrainOptions): Promise<number> {
  const start = now()
  await withClient(pool, (client) => writersEnd(client, options, start + options.drainMs))
  return now() - start
}

async function writersEnd(client: Client, options: DrainOptions, deadline: number): Promise<void> {
  let writers = await writersOf(client, options.tenant)
  for (let pauseMs = 2; writers.length > 0; pauseMs = Math.min(pauseMs * 2, 50)) {
    if (now() > deadline) throw await drainTimeout(client, options, writers)
    await sleep(pauseMs, options.signal)
    const still = await writersOf(client, options.tenant)
    writers = writers.filter((w) => still.some((s) => s.transaction === w.transaction))
  }
}

/**
 * REPEATABLE READ writers hold their bucket's row. Waiting for it would make later ones wait behind
 * us, so each try is short.
 */
async function bumpWithin(
  client: Client,
  options: DrainOptions & { readonly some: Some },
  deadline: number,
): Promise<void> {
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    try {
      return await bumpBuckets(client, options.some, 50)
    } catch (error) {
      await client.query('rollback')
      if (!['55P03', '40P01'].includes(sqlStateOf(error) ?? '')) throw error
      if (now() > deadline) {
        throw await drainTimeout(client, options, await bucketHolders(client))
      }
      await sleep(pauseMs, options.signal)
    }
  }
}

async function drainTimeout(
  client: Client,
  options: DrainOptions,
  writers: readonly Writer[],
): Promise<RehomeError> {
  const pids = writers.flatMap((writer) => writer.pid ?? [])
  const names = await describeWriters(client, writers)
  const who = names.length > 0 ? names.join(', ') : 'transactions that have ended by now'
  return new RehomeError(
    'DRAIN_TIMEOUT',
    `transactions were still writing after ${options.drainMs} ms: ${who}; ` +
      'end them or raise `fence.drainMs`',
    { data: { pids } },
  )
}
