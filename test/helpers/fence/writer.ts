// A writer of the application: one connection, one transaction, one isolation level.
import type { PoolClient } from 'pg'
import type { Fenced } from './fenced.ts'
import { waitsForLock } from './fenced.ts'

export const levels = ['read committed', 'repeatable read', 'serializable'] as const
export type Level = (typeof levels)[number]

/** How a write that came too late is refused at that level. */
export const tooLate = (level: Level) => (level === 'read committed' ? '25006' : '40001')

export interface Writer extends AsyncDisposable {
  readonly pid: number
  readonly client: PoolClient
  /** `accepted`, or the SQLSTATE. */
  write(work: string | ((client: PoolClient) => Promise<unknown>)): Promise<string>
  /** `accepted`, or the SQLSTATE. */
  commit(): Promise<string>
  rollback(): Promise<string>
}

/** Its snapshot is taken with its first statement, not here. */
export async function openWriter(db: Fenced, level: Level | 'none' = 'none'): Promise<Writer> {
  const client = await db.pool.connect()
  const pid: number = (await client.query('select pg_backend_pid() as pid')).rows[0].pid
  if (level !== 'none') await client.query(`begin isolation level ${level}`)
  const write: Writer['write'] = (work) =>
    codeOf(typeof work === 'string' ? client.query(work) : work(client))
  return {
    pid,
    client,
    write,
    commit: () => write('commit'),
    rollback: () => write('rollback'),
    async [Symbol.asyncDispose]() {
      // As new, for the next who gets this connection.
      await client.query('rollback')
      await client.query('discard all')
      client.release()
    },
  }
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'accepted',
    (error: { code?: string }) => error.code ?? String(error),
  )
}

/** Holds every statement that is gated at its gate, until it is opened. */
export async function closeGate(db: Fenced, key = 0): Promise<{ open(): Promise<void> }> {
  const keeper = await db.pool.connect()
  await keeper.query('select pg_advisory_lock(4711, $1)', [key])
  return {
    async open() {
      await keeper.query('select pg_advisory_unlock(4711, $1)', [key])
      keeper.release()
    },
  }
}

/** Begins the statement and resolves once it stands at the gate; its answer comes later. */
export async function writeAtGate(
  db: Fenced,
  writer: Writer,
  work: Parameters<Writer['write']>[0],
): Promise<{ answer: Promise<string> }> {
  const answer = writer.write(work)
  await waitsForLock(db, writer.pid)
  return { answer }
}
