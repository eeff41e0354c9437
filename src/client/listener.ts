/**
 * Hears of changed flags at one home, over a connection of its own.
 *
 * Nobody may rely on it. A connection that is lost is made anew; a pooler that lends sessions for a
 * transaction swallows notifications without a word, so it is tried out first: only who has heard
 * itself is listening.
 */
import { randomUUID } from 'node:crypto'
import { within } from './within.ts'

/** As `pg` makes them. */
export interface ListeningClient {
  connect(): Promise<unknown>
  query(text: string, values?: unknown[]): Promise<unknown>
  end(): Promise<unknown>
  on(event: 'notification', listener: (told: { payload?: string | undefined }) => void): unknown
  on(event: 'error' | 'end', listener: () => void): unknown
  unref?(): void
}

export interface ListenerOptions {
  connect(): ListeningClient
  /** Says something to all who listen there. */
  notify(payload: string): Promise<unknown>
  /** null: something has changed, and nobody knows of whom. */
  onChange(changed: { readonly scope: string; readonly tenant: string } | null): void
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
  let closed = false
  let waitMs = againMs.least
  let timer: NodeJS.Timeout | undefined

  const later = (work: () => void, ms: number) => {
    clearTimeout(timer)
    if (closed) return
    timer = setTimeout(work, ms)
    timer.unref()
  }
  const lost = (which: ListeningClient) => {
    if (which !== client) return
    client = null
    if (listening) options.onChange(null)
    listening = false
    which.end().catch(() => {})
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
    const mine = options.connect()
    client = mine
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
      closed = true
      clearTimeout(timer)
      const last = client
      client = null
      listening = false
      await last?.end().catch(() => {})
    },
  }
}

/** Rejects where it does not hear what it has said itself. */
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
  await within(proofMs, client.connect())
  client.unref?.()
  await within(proofMs, client.query(`listen ${channel}`))
  await within(proofMs, options.notify(word))
  await within(proofMs, echo)
}

export function notification(payload: string): readonly [text: string, values: unknown[]] {
  return ['select pg_notify($1, $2)', [channel, payload]]
}

type Change = { readonly scope: string; readonly tenant: string }

/** null: of a tenant whose id is too long to be said. undefined: it is about something else. */
function changeOf(payload: string): Change | null | undefined {
  try {
    const told: unknown = JSON.parse(payload)
    if (!Array.isArray(told)) return undefined
    const [scope, tenant] = told
    return typeof scope === 'string' && typeof tenant === 'string' ? { scope, tenant } : null
  } catch {
    return undefined
  }
}
