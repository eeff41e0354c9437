/**
 * Remote calls: what a worker sends to databases and services while it works for a tenant.
 *
 * Each is published on the diagnostics channel `rehome:call`, before it is sent and after it was
 * answered, so that subscribers can trace, count, or fail at exactly this point. And each
 * connection that is in use for an attempt is known, so that ending the attempt ends what is under
 * way on it, even if the other side no longer answers.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import type pg from 'pg'
import { isOutdated, prepareRepeated } from './sessions/prepared.ts'
import type { AttemptTrace, TracedCall } from './traces.ts'

/** The message that subscribers of `rehome:call` receive. */
export interface RemoteCall {
  readonly moment: 'before' | 'after'
  /** The pool's name: `source`, `target`, `control`, `source flags`, `target flags`. */
  readonly to: string
  /** The statement, with `'…'` for each literal; over HTTP the method and the path. */
  readonly text: string
  /** For whom; absent where no attempt is under way. */
  readonly tenant?: string
  readonly phase?: string
}

/** The attempt on whose behalf calls are made. */
export class Caller {
  readonly tenant: string
  phase: string
  /** null: nothing is traced. */
  readonly trace: AttemptTrace | null
  readonly #open = new Set<pg.PoolClient>()
  readonly #ending = new AbortController()
  constructor(tenant: string, phase: string, trace: AttemptTrace | null = null) {
    this.tenant = tenant
    this.phase = phase
    this.trace = trace
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

interface Watch {
  readonly name: string
  /** The connections in use are cut when their attempt ends. */
  readonly ends: boolean
  /** Asked once a connection could not be made: true, where it is worth while to try again. */
  readonly connectsAgain?: (error: unknown) => boolean
}

/** Makes a pool tell of its calls, and prepare those that it repeats. */
export function watchPool(pool: pg.Pool, watch: Watch): void {
  const connect = pool.connect.bind(pool) as (done?: Connected) => Promise<pg.PoolClient>
  pool.on('connect', (client) => {
    prepareRepeated(client, pool)
    tellOfQueries(client, watch.name)
  })
  pool.connect = ((done?: Connected) => {
    const caller = callers.getStore()
    const checkOut = (client: pg.PoolClient) => {
      checkOutFor(client, caller, watch)
      return client
    }
    const isDue = (error: unknown) => watch.connectsAgain?.(error) ?? false
    if (!done) {
      const again = (error: unknown) => (isDue(error) ? connect() : Promise.reject(error))
      return connect().catch(again).then(checkOut)
    }
    const answer: Connected = (error, client) =>
      done(error, client && checkOut(client), client?.release)
    return connect((error, client) => {
      if (error && isDue(error)) void connect(answer)
      else answer(error, client)
    })
  }) as typeof pool.connect
}

/** Publishes a call that is no query. The function that it returns publishes the answer. */
export function beginCall(call: Pick<RemoteCall, 'to' | 'text'>): Answered {
  return beginFor(callers.getStore(), call, 'request').answered
}

type Answered = (error?: unknown) => void

interface Begun {
  readonly answered: Answered
  /** Ends the span alone: the end of a stream is not published. */
  readonly ended: Answered
}

const unheard: Begun = { answered() {}, ended() {} }

function beginFor(
  caller: Caller | undefined,
  call: Pick<RemoteCall, 'to' | 'text'>,
  kind: TracedCall['kind'],
): Begun {
  const tell = (moment: RemoteCall['moment']) => {
    if (!calls.hasSubscribers) return
    const who = caller && { tenant: caller.tenant, phase: caller.phase }
    calls.publish({ moment, ...call, ...who } satisfies RemoteCall)
  }
  const ended = caller?.trace?.call({ ...call, kind }) ?? unheard.ended
  tell('before')
  const answered: Answered = (error) => {
    tell('after')
    ended(error)
  }
  return { answered, ended }
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
    release.call(client, error ?? (broken.has(client) || isOutdated(client)))
  }
}

function tellOfQueries(client: pg.PoolClient, to: string): void {
  const query = client.query as (...args: unknown[]) => unknown
  const begin = (statement: unknown): Begun => {
    const caller = callerOf.get(client)
    // Without a listener no text is worked on.
    if (!calls.hasSubscribers && !caller?.trace) return unheard
    return beginFor(caller, { to, text: withoutValues(textOf(statement)) }, 'statement')
  }
  const settle = ({ answered }: Begun, error?: unknown) => {
    // A connection that owes an answer cannot be used by the next one.
    if (error instanceof Error && error.message === 'Query read timeout') broken.add(client)
    answered(error)
  }
  const watched = (...args: unknown[]): unknown => {
    const begun = begin(args[0])
    const done = args.at(-1)
    if (typeof done === 'function') {
      const answer = (error: unknown, ...rest: unknown[]) => {
        settle(begun, error ?? undefined)
        done(error, ...rest)
      }
      return query.call(client, ...args.slice(0, -1), answer)
    }
    const answer = query.call(client, ...args)
    if (!(answer instanceof Promise)) return untilClosed(answer, begun)
    return answer.then(
      (result) => {
        settle(begun)
        return result
      },
      (error: unknown) => {
        settle(begun, error)
        throw error
      },
    )
  }
  client.query = watched as typeof client.query
}

/** A cursor or a COPY stream. */
function untilClosed(answer: unknown, { ended }: Begun): unknown {
  if (answer instanceof EventEmitter && ended !== unheard.ended) {
    for (const event of ['end', 'finish', 'close']) answer.once(event, () => ended())
  }
  return answer
}

/** The SQL text of a string, a query, a cursor or a COPY stream. */
function textOf(query: unknown): string {
  if (typeof query === 'string') return query
  if (typeof query !== 'object' || query === null || !('text' in query)) return ''
  return String(query.text)
}

/** Quoted names and comments are passed over: a quote in them begins no literal. */
const quoted =
  /"[^"]*"|--[^\n]*|\bE'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*(?:'|$)|'[^']*(?:''[^']*)*(?:'|$)/gi

/** Statements that are sent together hold keys, tenants and tokens as literals. */
export function withoutValues(text: string): string {
  return text.replace(quoted, (literal) => (/^E?'/i.test(literal) ? "'…'" : literal))
}

function cut(client: pg.PoolClient): void {
  broken.add(client)
  // Types of `pg` lack its socket.
  Object(client).connection?.stream?.destroy()
}
