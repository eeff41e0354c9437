/**
 * Remote calls: what a worker says to databases and services while it works for a tenant.
 *
 * Each is published on the diagnostics channel `rehome:call`, before it is sent and after it was
 * answered, so that subscribers can trace, count, or fail at exactly this point. And each
 * connection that is in use for an attempt is known, so that ending the attempt ends what is under
 * way on it, even if the other side no longer answers.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import type pg from 'pg'

/** The message that subscribers of `rehome:call` receive. */
export interface RemoteCall {
  readonly moment: 'before' | 'after'
  /** The pool's name: `source`, `target`, `control`, `source flags`, `target flags`. */
  readonly to: string
  /** The statement, without its values; over HTTP the method and the path. */
  readonly text: string
  /** For whom; absent where no attempt is under way. */
  readonly tenant?: string
  readonly phase?: string
}

/** The attempt on whose behalf calls are made. */
export class Caller {
  readonly tenant: string
  phase: string
  readonly #open = new Set<pg.PoolClient>()
  readonly #ending = new AbortController()
  constructor(tenant: string, phase: string) {
    this.tenant = tenant
    this.phase = phase
  }

  /** Aborted when the attempt has ended. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** Cuts every connection in use: pending answers are not waited for. */
  end(): void {
    this.#ending.abort(new Error('the attempt has ended'))
    for (const client of this.#open) cut(client)
  }

  use(client: pg.PoolClient): void {
    this.#open.add(client)
    if (this.signal.aborted) cut(client)
  }

  leave(client: pg.PoolClient): void {
    this.#open.delete(client)
  }
}

export const callers = new AsyncLocalStorage<Caller>()
const calls = channel('rehome:call')

type Connected = (error: Error | undefined, client?: pg.PoolClient, release?: unknown) => void

/**
 * Makes a pool tell of its calls. `ends`: the connections in use are cut when their attempt ends.
 */
export function watchPool(pool: pg.Pool, watch: { name: string; ends: boolean }): void {
  const connect = pool.connect.bind(pool) as (done?: Connected) => Promise<pg.PoolClient>
  pool.on('connect', (client) => tellOfQueries(client, watch.name))
  pool.connect = ((done?: Connected) => {
    const caller = callers.getStore()
    const checkOut = (client: pg.PoolClient) => {
      checkOutFor(client, caller, watch)
      return client
    }
    if (!done) return connect().then(checkOut)
    return connect((error, client) => done(error, client && checkOut(client), client?.release))
  }) as typeof pool.connect
}

/** Publishes a call that is no query. */
export function tellCall(call: Pick<RemoteCall, 'moment' | 'to' | 'text'>): void {
  if (!calls.hasSubscribers) return
  const caller = callers.getStore()
  const who = caller && { tenant: caller.tenant, phase: caller.phase }
  calls.publish({ ...call, ...who } satisfies RemoteCall)
}

const callerOf = new WeakMap<pg.ClientBase, Caller | undefined>()
const broken = new WeakSet<pg.ClientBase>()

function checkOutFor(
  client: pg.PoolClient,
  caller: Caller | undefined,
  { ends }: { ends: boolean },
): void {
  callerOf.set(client, caller)
  if (ends) caller?.use(client)
  const release = client.release
  client.release = (error) => {
    caller?.leave(client)
    callerOf.delete(client)
    release.call(client, error ?? broken.has(client))
  }
}

function tellOfQueries(client: pg.PoolClient, to: string): void {
  const query = client.query as (...args: unknown[]) => unknown
  const tell = (moment: RemoteCall['moment'], text: string) => {
    if (!calls.hasSubscribers) return
    const caller = callerOf.get(client)
    const who = caller && { tenant: caller.tenant, phase: caller.phase }
    calls.publish({ moment, to, text, ...who } satisfies RemoteCall)
  }
  const settle = (text: string, error?: unknown) => {
    // A connection that owes an answer cannot be used by the next one.
    if (error instanceof Error && error.message === 'Query read timeout') broken.add(client)
    tell('after', text)
  }
  const watched = (...args: unknown[]): unknown => {
    const text = textOf(args[0])
    tell('before', text)
    const done = args.at(-1)
    if (typeof done === 'function') {
      const answer = (error: unknown, ...rest: unknown[]) => {
        settle(text, error)
        done(error, ...rest)
      }
      return query.call(client, ...args.slice(0, -1), answer)
    }
    const answer = query.call(client, ...args)
    if (!(answer instanceof Promise)) return answer
    return answer.then(
      (result) => {
        settle(text)
        return result
      },
      (error: unknown) => {
        settle(text, error)
        throw error
      },
    )
  }
  client.query = watched as typeof client.query
}

/** The SQL text of a string, a query, a cursor or a COPY stream. */
function textOf(query: unknown): string {
  if (typeof query === 'string') return query
  if (typeof query !== 'object' || query === null || !('text' in query)) return ''
  return String(query.text)
}

function cut(client: pg.PoolClient): void {
  broken.add(client)
  const { connection } = client as unknown as { connection?: { stream?: { destroy(): void } } }
  connection?.stream?.destroy()
}
