/** Runs statements in one transaction, together with the rows that record it. */
import { now, round } from '../../../clock.ts'
import type { Client } from '../../../postgres.ts'
import { queryTogether } from '../query-together.ts'
import { type HeldLock, heldLocks, strongestOf, watchLocks } from './lock-watch.ts'
import type { SchemaSession } from './session.ts'
import { tried, withBlockers } from './tries.ts'

/** One statement that has run, and how it went. */
export interface Ran {
  readonly attempts: number
  readonly beganAt: Date
  /** Until its locks were granted, in the attempt that succeeded. */
  readonly waitedMs: number
  /** From then to the commit, at most. `null`: unknown. */
  readonly heldMs: number | null
  readonly locks: readonly HeldLock[]
  readonly rows: number | null
}

export interface TransactionOptions {
  readonly begin: string
  readonly statements: readonly string[]
  /** SQL that marks them as done; `rows`: those that they have changed. */
  readonly mark: (rows: number) => string
  readonly kept?: Kept | undefined
}

/** Rows whose keys the statements may not change. */
export interface Kept {
  readonly query: string
  /** Throws where the query's rows show that they did: the transaction is rolled back. */
  readonly refuse: (before: readonly KeptRow[], after: readonly KeptRow[]) => void
}

export interface KeptRow {
  readonly key: string
  /** This transaction wrote it. */
  readonly ours: boolean
}

interface Timed {
  readonly sent: number
  readonly granted: number
  readonly rows: number | null
}

/** One entry for each statement. A failure rolls back, and is tried again if a lock was taken. */
export async function runTransaction(
  session: SchemaSession,
  options: TransactionOptions,
): Promise<Ran[]> {
  const beganAt = new Date()
  const { result, attempts } = await tried(session, () => attemptOf(session, options))
  return result.timed.map(({ sent, granted, rows }) => ({
    attempts,
    beganAt,
    waitedMs: round(granted - sent),
    heldMs: round(result.committed - granted),
    locks: result.locks,
    rows,
  }))
}

async function attemptOf(
  session: SchemaSession,
  { begin, statements, mark, kept }: TransactionOptions,
): Promise<{ timed: Timed[]; locks: HeldLock[]; committed: number }> {
  const { client } = session
  await client.query(begin)
  try {
    const before = kept && (await client.query(kept.query)).rows
    const timed: Timed[] = []
    for (const text of statements) timed.push(await timedQuery(session, text))
    if (kept) kept.refuse(before ?? [], (await client.query(kept.query)).rows)
    const changed = timed.reduce((sum, { rows }) => sum + (rows ?? 0), 0)
    const results = await queryTogether(client, ['set local role none', mark(changed), heldLocks])
    await client.query('commit')
    const committed = now()
    return { timed, locks: strongestOf(results.at(-1)?.rows ?? []), committed }
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

async function timedQuery({ client, pool, pid }: SchemaSession, text: string): Promise<Timed> {
  const watch = watchLocks(pool, pid)
  const sent = now()
  try {
    const rows = await changedRows(client, text)
    return { sent, granted: watch.lastWait() ?? sent, rows }
  } catch (error) {
    throw withBlockers(error, watch)
  } finally {
    watch.stop()
  }
}

/** `null`: the statement changes no rows. */
async function changedRows(client: Client, text: string): Promise<number | null> {
  const { command, rowCount } = await client.query(text)
  return /^(INSERT|UPDATE|DELETE|MERGE|COPY)$/.test(command ?? '') ? (rowCount ?? 0) : null
}
