/**
 * Waits for the writers that were already in when the fence was announced, without making anybody
 * queue behind us: it looks who holds the guard's lock, and looks again until they are gone.
 *
 * Only after it has returned may a snapshot be taken: every write that was let in is in it.
 *
 * A transaction that is waited for may give rows of others to the tenant. A writer of these rows
 * sees them with the other tenant until that commit, and is let in though the fence stands: it may
 * change such a row, or give the tenant more rows, which refer to it. So the drain looks again,
 * until one of these holds:
 *
 * - A look finds no writer in. It holds the row locks of the buckets, so snapshots from before it
 *   fail afterwards: every later writer sees which rows are the tenant's.
 * - It has looked once more than there are references between a row and its tenant. After the
 *   first look and wait the rows with the tenant's id in a column stay what they are. After the
 *   second one so do rows that refer to these, after the third one rows that refer to those.
 *
 * Where rows refer to rows of their own table the number of references has no limit, and on a busy
 * database each look may find a writer. Then the drain takes the lock of any tenant itself, in
 * short tries.
 */

import { now, sleep } from '../../../clock.ts'
import { RehomeError } from '../../../errors.ts'
import { type Client, type Pool, sqlStateOf, withClient } from '../../../postgres.ts'
import { wholeApplication } from '../../flags.ts'
import type { DrainOptions } from '../../rows.ts'
import { anyonesBucket, bucketsOf, bumpBuckets, type Some } from './buckets.ts'
import {
  bucketHolders,
  describeWriters,
  selectAnyonesLocks,
  selectGuardLocks,
  selectWriters,
  type Writer,
} from './writers.ts'

/** Looks that make no writer wait, where the number of references has no limit. */
const looksInPassing = 3

/** Throws DRAIN_TIMEOUT with the processes that keep their transactions open. */
export async function drain(pool: Pool, options: DrainOptions): Promise<{ waitedMs: number }> {
  const start = now()
  const deadline = start + options.drainMs
  const work = options.tenant === wholeApplication ? drainAll : drainTenant
  await withClient(pool, (client) => work(client, options, deadline))
  return { waitedMs: now() - start }
}

/** Where all tenants are closed no guard lets a writer in for another one. */
async function drainAll(client: Client, options: DrainOptions, deadline: number): Promise<void> {
  let writers: readonly Writer[] = []
  for (const some of bucketsOf(wholeApplication)) {
    writers = (await bumpWithin(client, { ...options, some, alone: false }, deadline)).writers
  }
  await writersEnd(client, { ...options, writers }, deadline)
}

async function drainTenant(client: Client, options: DrainOptions, deadline: number): Promise<void> {
  const { tenant, referencesMax = Number.POSITIVE_INFINITY } = options
  const looksMax = 1 + referencesMax
  let [some = anyonesBucket] = bucketsOf(tenant)
  for (let look = 1; look <= looksMax; look += 1) {
    const alone = looksMax === Number.POSITIVE_INFINITY && look > looksInPassing
    const { writers, wereIn } = await bumpWithin(client, { ...options, some, alone }, deadline)
    if (!wereIn) return
    await writersEnd(client, { ...options, writers }, deadline)
    some = anyonesBucket
  }
}

/**
 * How long those that write now go on, in ms, without keeping anybody out: what a drain that began
 * now would wait for. Throws DRAIN_TIMEOUT as that does.
 */
export async function waitForWriters(pool: Pool, options: DrainOptions): Promise<number> {
  const start = now()
  await withClient(pool, async (client) => {
    const writers = await writersOf(client, options.tenant)
    await writersEnd(client, { ...options, writers }, start + options.drainMs)
  })
  return now() - start
}

async function writersOf(client: Client, tenant: string): Promise<Writer[]> {
  return (await client.query(selectWriters(tenant))).rows
}

/** `writers`: those that were in when the last bucket had changed. */
async function writersEnd(
  client: Client,
  { writers: first, ...options }: DrainOptions & { readonly writers: readonly Writer[] },
  deadline: number,
): Promise<void> {
  let writers = first
  for (let pauseMs = 2; writers.length > 0; pauseMs = Math.min(pauseMs * 2, 50)) {
    if (now() > deadline) throw await drainTimeout(client, options, writers)
    await sleep(pauseMs, options.signal)
    const still = await writersOf(client, options.tenant)
    writers = writers.filter((w) => still.some((s) => s.transaction === w.transaction))
  }
}

interface Look extends DrainOptions {
  readonly some: Some
  /** Keeps those out who may give rows away, for as long as the look takes. */
  readonly alone: boolean
}

/**
 * REPEATABLE READ writers hold their bucket's row. Waiting for it would make later ones wait behind
 * us, so each try is short. Returns who writes once the buckets have changed, and whether anybody
 * did while they were locked.
 */
async function bumpWithin(
  client: Client,
  options: Look,
  deadline: number,
): Promise<{ writers: readonly Writer[]; wereIn: boolean }> {
  const { tenant, some, alone } = options
  const held = some === anyonesBucket ? selectAnyonesLocks : selectGuardLocks(tenant)
  const bump = { lockTimeoutMs: 50, alone, held, next: selectWriters(tenant) }
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    try {
      const { held, next } = await bumpBuckets(client, some, bump)
      return { writers: next.rows, wereIn: held.rows.length > 0 }
    } catch (error) {
      await client.query('rollback')
      if (!['55P03', '40P01'].includes(sqlStateOf(error) ?? '')) throw error
      if (now() > deadline) {
        const writers = alone ? await writersOf(client, tenant) : await bucketHolders(client)
        throw await drainTimeout(client, options, writers)
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
