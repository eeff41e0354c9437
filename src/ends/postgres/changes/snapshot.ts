/**
 * One look at an end that goes on being written: all that is read through it is as it was at one
 * moment, whichever session reads it and however long that takes.
 */

import type { PoolClient, QueryResult } from 'pg'
import { messageOf, RehomeError } from '../../../errors.ts'
import { itemAt } from '../../../known.ts'
import { type Client, type Pool, sqlStateOf } from '../../../postgres.ts'
import { literal } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { FlagKey } from '../../flags.ts'
import { nameSession } from '../fence/turns.ts'
import { queryTogether } from '../query-together.ts'

export interface Snapshot {
  /** The one session that was there first, for who reads one thing after the other. */
  readonly client: Client
  /** Which transactions it sees: a `pg_snapshot`. */
  readonly seen: string
  /** The result of the first look. */
  readonly selected: QueryResult | undefined
  /** The end as it was then, for any number of sessions, none of which can write. */
  share(): Promise<SqlEnd>
}

export interface SnapshotOf extends FlagKey {
  /** A first look, which is sent together with the beginning. */
  readonly select?: string
}

/** The snapshot lives as long as the work, and keeps the end from removing old rows meanwhile. */
export async function withSnapshot<T>(
  end: SqlEnd,
  { select, ...key }: SnapshotOf,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const client = await end.pool.connect()
  try {
    const answers = await queryTogether(client, [
      'begin isolation level repeatable read read only',
      'set local idle_in_transaction_session_timeout = 0',
      nameSession(key),
      'select pg_current_snapshot()::text as seen',
      ...(select === undefined ? [] : [select]),
    ])
    const { seen } = itemAt(answers, 3).rows[0]
    const share = async () => {
      const { id } = (await client.query('select pg_export_snapshot() as id')).rows[0]
      return { ...end, pool: poolSeeing(end.pool, id), within: 'snapshot' } as const
    }
    const result = await work({ client, seen, share, selected: answers[4] })
    // It has only read, so its result does not wait. The session is kept until then.
    releaseAfter(client, client.query('commit'))
    return result
  } catch (error) {
    client.release(true)
    throw error
  }
}

const answerMs = 10_000

/** A session that does not answer is thrown away. */
function releaseAfter(client: PoolClient, end: Promise<unknown>): void {
  let isReleased = false
  const release = (broken: boolean) => {
    if (!isReleased) client.release(broken)
    isReleased = true
    clearTimeout(timer)
  }
  const timer = setTimeout(() => release(true), answerMs).unref()
  end.then(
    () => release(false),
    () => release(true),
  )
}

/** The pool's sessions with this snapshot: each sees it until it is given back. */
function poolSeeing(pool: Pool, id: string): Pool {
  const connect = async () => {
    const client = await pool.connect()
    try {
      await client.query(
        `begin isolation level repeatable read read only;
        set transaction snapshot ${literal(id)}`,
      )
    } catch (error) {
      client.release(true)
      throw withoutSnapshot(error)
    }
    const release = client.release.bind(client)
    client.release = (error) => {
      if (error) return release(error)
      client.query('rollback').then(
        () => release(),
        () => release(true),
      )
    }
    return client
  }
  return asPool(pool, connect)
}

/**
 * The session that was there first has been lost. Who reads beside it may be the first to notice,
 * and gets the error for an unknown snapshot (22023 until PostgreSQL 15, 42704 since).
 */
function withoutSnapshot(error: unknown): unknown {
  if (!/^(22023|42704)$/.test(sqlStateOf(error) ?? '')) return error
  const message = `the session whose snapshot is read has been lost: ${messageOf(error)}`
  return new RehomeError('UNREACHABLE', message, { cause: error })
}

/**
 * A pool of one session, which is the caller's and stays so, in a transaction of its. Who asks for
 * it waits until it was given back.
 */
export function poolOfOne(pool: Pool, client: Client): Pool {
  let last: Promise<void> = Promise.resolve()
  const connect = async () => {
    const before = last
    let release = () => {}
    last = new Promise((resolve) => {
      release = resolve
    })
    await before
    const own = { query: { value: client.query.bind(client) }, release: { value: release } }
    return Object.create(client, own)
  }
  return asPool(pool, connect)
}

/** A pool whose sessions come from `connect`. */
export function asPool(pool: Pool, connect: () => Promise<Client & { release: () => void }>): Pool {
  const query = async (text: string, values?: unknown[]) => {
    const client = await connect()
    try {
      return await client.query(text, values)
    } finally {
      client.release()
    }
  }
  return Object.create(pool, { connect: { value: connect }, query: { value: query } })
}
