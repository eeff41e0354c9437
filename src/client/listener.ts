/**
 * Hears of changed flags at one home, over a connection of its own.
 *
 * Correctness must not depend on it. A connection that is lost is made anew; a pooler that lends
 * sessions for a transaction swallows notifications without a word, so it is tried out first: only
 * who has heard itself is listening.
 */
import { randomUUID } from 'node:crypto'
import { within } from './within.ts'

/** A client of `pg`. */
export interface ListeningClient {
  connect(): Promise<unknown>
  query(text: string, values?: unknown[]): Promise<unknown>
  end(): Promise<unknown>
  on(event: 'notification', listener: (told: { payload?: string | undefined }) => void): unknown
  on(event: 'error' | 'end', listener: () => void): unknown
  unref?(): void
  readonly connection?: { readonly stream?: { destroy(): unknown } }
}

export interface ListenerOptions {
  connect(): ListeningClient
  /** Sends a text to all who listen there. */
  notify(payload: string): Promise<unknown>
  /** null: something has changed, and the tenant is unknown. */
  onChange(changed: Change | null): void
}

export interface Listener {
  /** Whatever changes is heard of. */
  isListening(): boolean
  close(): Promise<void>
}

const channel = 'rehome'
const proofMs = 2_000
const beatEveryMs = 10_000
const againMs = { least: 1_000, most: 60_000 }

/** Begins at once, and never fails: as long as it cannot hear, it is not listening. */
export function listen(options: ListenerOptions): Listener {
  let client: ListeningClient | null = null
  let listening = false
  let waitMs = againMs.least
  const { later, stop } = createTimer()
  const lost = (which: ListeningClient) => {
    if (which !== client) return
    client = null
    if (listening) options.onChange(null)
    listening = false
    hangUp(which)
    again()
  }
  const again = () => {
    later(begin, waitMs)
    waitMs = Math.min(waitMs * 2, againMs.most)
  }
  const beat = (which: ListeningClient) => {
    within(proofMs, which.query('select')).then(
      () => later(() => beat(which), beatEveryMs),
      () => lost(which),
    )
  }
  const begin = () => {
    const mine = made(options)
    client = mine
    if (!mine) return again()
    mine.on('error', () => lost(mine))
    mine.on('end', () => lost(mine))
    prove(mine, options).then(
      () => {
        if (mine !== client) return
        listening = true
        waitMs = againMs.least
        // What changed before is not known.
        options.onChange(null)
        later(() => beat(mine), beatEveryMs)
      },
      () => lost(mine),
    )
  }
  begin()
  return {
    isListening: () => listening,
    async close() {
      stop()
      const last = client
      client = null
      listening = false
      if (last) await hangUp(last)
    },
  }
}

/** One thing at a time is to come, and keeps no process alive. */
function createTimer() {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  return {
    later(work: () => void, ms: number) {
      clearTimeout(timer)
      if (stopped) return
      timer = setTimeout(work, ms)
      timer.unref()
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}

/** null: what it takes to connect, e.g. a certificate, is not there just now. */
function made({ connect }: ListenerOptions): ListeningClient | null {
  try {
    return connect()
  } catch {
    return null
  }
}

/** Politely first: who does not answer is not waited for. */
async function hangUp(client: ListeningClient): Promise<void> {
  await within(1_000, client.end()).catch(() => {})
  client.connection?.stream?.destroy()
}

/** Rejects where it does not hear what it has sent itself. */
async function prove(client: ListeningClient, options: ListenerOptions): Promise<void> {
  const word = JSON.stringify({ proof: randomUUID() })
  let heard = () => {}
  const echo = new Promise<void>((resolve) => {
    heard = resolve
  })
  client.on('notification', ({ payload = '' }) => {
    const changed = changeOf(payload)
    if (payload === word) heard()
    else if (changed !== undefined) options.onChange(changed)
  })
  client.unref?.()
  await within(proofMs, client.connect())
  await within(proofMs, client.query(`listen ${channel}`))
  await within(proofMs, options.notify(word))
  await within(proofMs, echo)
}

export function notification(payload: string): readonly [text: string, values: unknown[]] {
  return ['select pg_notify($1, $2)', [channel, payload]]
}

/** A change, with the tenant's hash: every role may listen. See memory.ts. */
export interface Change {
  readonly scope: string
  /** `*`: the whole application. */
  readonly tenantHash: string
}

/** null: it names no tenant. undefined: it is about something else. */
function changeOf(payload: string): Change | null | undefined {
  try {
    const message: unknown = JSON.parse(payload)
    if (!Array.isArray(message)) return undefined
    const [scope, tenantHash] = message
    const isChange = typeof scope === 'string' && typeof tenantHash === 'string'
    return isChange ? { scope, tenantHash } : null
  } catch {
    return undefined
  }
}
