/**
 * Sends what happens in runs as server-sent events. Readers of one run share one look at the
 * control database, which is repeated while there are readers, and rests for twenty times as long
 * as it took: however large a run is, watching it takes a twentieth of one connection's time.
 */
import type { ServerResponse } from 'node:http'
import { sleep } from '../../clock.ts'
import type { Control } from '../../control/database.ts'
import { overviewOf } from '../../control/runs/run-counts.ts'
import { changedCells, newestEvent, versionOf } from '../../control/runs/run-tenants.ts'
import { messageOf } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { cellOf } from './cells.ts'
import { overviewPart } from './overview-part.ts'

export interface Feeds {
  /** Until the reader leaves, the run is done, or the feeds are closed. */
  follow(runId: string, reader: ServerResponse): void
  /** `changed` whenever the move of this tenant does. */
  followTenant(runId: string, tenant: string, reader: ServerResponse): void
  close(): void
}

const everyMs = 1_000
const costFactor = 20
/** A reader asks again, and is judged again, after so long. */
const readerMaxMs = 60 * 60_000
const unreadBytesMax = 1_000_000
/** Events get their numbers before they are committed: looks overlap by so many. */
const looksKept = 5

type Send = (event: string, data: unknown) => void

export interface FeedOptions {
  readonly control: Control
  readonly log: Logger
  /** Holds of a run, and decisions that are possible: readers hear that these have changed. */
  readonly holdsOf: (runId: string) => Promise<unknown>
}

export function createFeeds({ control, log, holdsOf }: FeedOptions): Feeds {
  const closing = new AbortController()
  const feeds = new Map<string, { readers: Set<Reader>; watch: Watch }>()
  const follow = (key: string, reader: ServerResponse, start: () => Watch) => {
    const running = feeds.get(key)
    const own = running?.readers ?? new Set<Reader>()
    const opened = openReader(reader, () => own.delete(opened))
    own.add(opened)
    if (running) return running.watch.greet(opened.send)
    const watch = start()
    feeds.set(key, { readers: own, watch })
    const send: Send = (event, data) => {
      for (const each of own) each.send(event, data)
    }
    void repeat({
      look: watch.look,
      send,
      isRead: () => own.size > 0,
      signal: closing.signal,
      log,
    }).finally(() => {
      feeds.delete(key)
      for (const each of own) each.end()
    })
  }
  return {
    follow: (runId, reader) =>
      follow(`run ${runId}`, reader, () => lookAtRun(control, runId, holdsOf)),
    followTenant: (runId, tenant, reader) =>
      follow(JSON.stringify([runId, tenant]), reader, () => lookAtTenant(control, runId, tenant)),
    close: () => closing.abort(),
  }
}

/**
 * The page of a reader is older than his connection: what changed in between reaches him by the
 * first look, or by `greet` if others read already.
 */
interface Watch {
  /** Sends what has changed since the look before. true: nothing will change soon. */
  look(send: Send): Promise<boolean>
  greet(send: Send): void
}

interface Repeated {
  readonly look: Watch['look']
  readonly send: Send
  readonly isRead: () => boolean
  readonly signal: AbortSignal
  readonly log: Logger
}

async function repeat({ look, send, isRead, signal, log }: Repeated): Promise<void> {
  while (isRead() && !signal.aborted) {
    const began = performance.now()
    try {
      if (await look(send)) return send('done', null)
    } catch (error) {
      log.debug({ err: error }, 'a look at a run failed')
      send('trouble', messageOf(error))
    }
    const restMs = Math.max(everyMs, costFactor * (performance.now() - began))
    await sleep(restMs, signal).catch(() => {})
  }
}

function lookAtRun(control: Control, runId: string, holdsOf: FeedOptions['holdsOf']): Watch {
  let before = ''
  let heldBefore = ''
  let shown: string | null = null
  const lately: string[] = []
  let sent = new Map<string, string>()
  const greet: Watch['greet'] = (send) => {
    if (shown !== null) send('overview', shown)
    send('reload', null)
  }
  const look: Watch['look'] = async (send) => {
    const isFirst = lately.length === 0
    const from = lately[0] ?? (await newestEvent(control))
    const changes = await changedCells(control, runId, from)
    lately.push(changes.upTo)
    if (lately.length > looksKept || changes.tooMany) lately.shift()
    const overview = await overviewOf(control, runId)
    const { at, estimate, ...facts } = overview
    const now = JSON.stringify(facts)
    shown = overviewPart(runId, overview).text
    if (now !== before) send('overview', shown)
    before = now
    const held = JSON.stringify(await holdsOf(runId))
    if (held !== heldBefore) send('holds', null)
    heldBefore = held
    if (changes.tooMany || isFirst) send('reload', null)
    const cells = changes.cells.map(cellOf)
    const fresh = cells.filter((cell) => sent.get(cell[0]) !== JSON.stringify(cell))
    sent = new Map(cells.map((cell) => [cell[0], JSON.stringify(cell)]))
    if (fresh.length > 0) send('cells', fresh)
    return overview.remaining === 0
  }
  return { look, greet }
}

function lookAtTenant(control: Control, runId: string, tenant: string): Watch {
  let before: string | null = null
  const greet: Watch['greet'] = (send) => send('changed', null)
  const look: Watch['look'] = async (send) => {
    const version = await versionOf(control, runId, tenant)
    if (version !== before) greet(send)
    before = version
    return version === null
  }
  return { look, greet }
}

interface Reader {
  send: Send
  end(): void
}

function openReader(response: ServerResponse, onEnd: () => void): Reader {
  const end = () => response.end()
  const timer = setTimeout(end, readerMaxMs)
  response.on('close', () => {
    clearTimeout(timer)
    onEnd()
  })
  response.write(': hello\n\n')
  return {
    send(event, data) {
      // A reader that does not read gets a new connection, and all of it anew.
      if (response.writableLength > unreadBytesMax) return void response.destroy()
      response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    },
    end,
  }
}
