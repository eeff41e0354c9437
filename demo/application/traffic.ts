/**
 * The task tracker at work: it writes to random tenants all the time, wherever each lives just now.
 *
 * With `hold` it uses `rehome/client`, as applications should: what a fence refuses waits.
 * Without it a tenant's home is remembered; the refusal tells when it is another, and a refused
 * write is given up, but for one a tenant: that goes on trying until it is let in, so that the
 * pause is measured as a user would feel it. Invariant: every write begun is in the ledger,
 * settled once `stop` has returned; nothing is tried that is not counted.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { type AppHomes, openHomes, tryHeld } from './held.ts'
import { type Pools, readHomes } from './home.ts'
import { readTenants, type Tenant } from './known-tenants.ts'
import { type EndName, isolations, Ledger, otherEnd, type Write, type WriteKind } from './ledger.ts'
import { Tally, type TrafficReport } from './tally.ts'
import { createAppPool, type FenceMode, tryWrite, type Verdict } from './transact.ts'

export interface TrafficOptions {
  readonly sourceUrl: string
  readonly targetUrl: string
  readonly tenants: readonly string[]
  /**
   * The rate of all writers together. Default 50; fewer where the databases are slower than that.
   */
  readonly writesPerSecond?: number
  /** Writes under way at one time, without those that wait at a fence. Default 8. */
  readonly writers?: number
  /** How long a transaction idles between two statements, at most. Default 5. */
  readonly thinkMs?: number
  /** How long a write waits at a fence, e.g. `5s`. Absent: it does not. */
  readonly hold?: string
  /** How soon the write that waits at a fence tries again. Default 20. */
  readonly retryMs?: number
  /** The ledger of an earlier traffic in the same databases, to go on with. */
  readonly ledger?: Ledger
}

export interface Traffic extends AsyncDisposable {
  readonly ledger: Ledger
  /** At any time, also after `stop`. */
  report(): TrafficReport
  /** Lets writes under way end, then closes all connections. Idempotent. */
  stop(): Promise<TrafficReport>
}

/** Begins to write. Rejects where the tenants' tasks cannot be read. */
export async function startTraffic(options: TrafficOptions): Promise<Traffic> {
  const { ledger = new Ledger(), writers = defaults.writers } = options
  const pools = {
    source: createAppPool(options.sourceUrl, writers + 2),
    target: createAppPool(options.targetUrl, writers + 2),
  }
  try {
    const tenants = await readTenants(pools, { ids: options.tenants, ledger })
    return new Application({ options, ledger, pools, tenants })
  } catch (error) {
    await endPools(pools)
    throw error
  }
}

interface Parts {
  readonly options: TrafficOptions
  readonly ledger: Ledger
  readonly pools: Pools
  readonly tenants: readonly Tenant[]
}

const defaults = { writesPerSecond: 50, writers: 8, thinkMs: 5, retryMs: 20 }
const triesMax = 6
/** Each kind is as frequent as it stands here. */
const kinds: readonly WriteKind[] = [
  'comment',
  'comment',
  'comment',
  'edit',
  'edit',
  'edit',
  'task',
  'task',
  'erase',
  'erase',
]

/** The next step of a write after one try. */
type Next = 'done' | 'at once' | 'wait'

class Application implements Traffic {
  readonly ledger: Ledger
  readonly #parts: Parts
  readonly #homes: AppHomes | null
  readonly #tally = new Tally()
  readonly #stopping = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #faults: unknown[] = []
  #stopped: Promise<TrafficReport> | null = null

  constructor(parts: Parts) {
    this.ledger = parts.ledger
    this.#parts = parts
    const { hold } = parts.options
    this.#homes = hold === undefined ? null : openHomes(parts.pools, hold)
    const { writers = defaults.writers } = parts.options
    // Each writer and each write at a fence sleeps on it.
    setMaxListeners(0, this.#stopping.signal)
    for (let i = 0; i < writers; i++) this.#run(this.#keepWriting(writers))
  }

  report(): TrafficReport {
    return this.#tally.report()
  }

  stop(): Promise<TrafficReport> {
    this.#stopped ??= this.#end()
    return this.#stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #end(): Promise<TrafficReport> {
    this.#stopping.abort()
    while (this.#running.size > 0) await Promise.all(this.#running)
    await this.#homes?.close()
    await endPools(this.#parts.pools)
    if (this.#faults.length > 0) throw new AggregateError(this.#faults, 'the traffic broke down')
    return this.report()
  }

  #run(work: Promise<void>): void {
    const running = work
      .catch((fault: unknown) => {
        this.#faults.push(fault)
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async #keepWriting(writers: number): Promise<void> {
    const { tenants, options } = this.#parts
    const everyMs = (1000 * writers) / (options.writesPerSecond ?? defaults.writesPerSecond)
    while (!this.#stopping.signal.aborted) {
      const startedMs = performance.now()
      const tenant = pick(tenants)
      const write = this.#compose(tenant)
      if (await this.#carryOut(write, tenant)) this.#keepTrying(write, tenant)
      const spentMs = performance.now() - startedMs
      await this.#sleep(everyMs * (0.5 + Math.random()) - spentMs)
    }
  }

  #compose(tenant: Tenant): Write {
    const wanted = pick(kinds)
    const erases = wanted === 'erase' ? this.ledger.takeErasable(tenant.id) : null
    const kind = wanted === 'erase' && !erases ? 'comment' : wanted
    const [isolation, task] = [pick(isolations), pick(tenant.tasks)]
    this.#tally.begun += 1
    return this.ledger.begin({ tenant: tenant.id, kind, isolation, task, erases })
  }

  /** Until the write is settled, or has met a fence: then it returns true. */
  async #carryOut(write: Write, tenant: Tenant): Promise<boolean> {
    for (let tries = 1; tries <= triesMax; tries++) {
      const next = await this.#tryOnce(write, tenant)
      if (next !== 'at once') return next === 'wait'
      await this.#sleep(Math.random() * 5 * (tries - 1))
    }
    this.#giveUp(write, 'TRIED_TOO_OFTEN')
    return false
  }

  /** One write a tenant waits for the fence to open; it holds up no writer. */
  #keepTrying(write: Write, tenant: Tenant): void {
    if (tenant.waiting) {
      this.#turnAway(write)
      return
    }
    tenant.waiting = true
    const opened = this.#wait(write, tenant)
    this.#run(
      opened.finally(() => {
        tenant.waiting = false
      }),
    )
  }

  async #wait(write: Write, tenant: Tenant): Promise<void> {
    do {
      await this.#sleep(this.#parts.options.retryMs ?? defaults.retryMs)
      if (this.#stopping.signal.aborted) return this.#turnAway(write)
    } while (await this.#carryOut(write, tenant))
  }

  #turnAway(write: Write): void {
    this.#tally.turnedAway += 1
    this.ledger.settle(write, 'undone')
  }

  async #tryOnce(write: Write, tenant: Tenant): Promise<Next> {
    if (this.#homes) return await this.#tryHeld(this.#homes, write, tenant)
    const end = tenant.home
    const startedMs = performance.now()
    const pool = this.#parts.pools[end]
    const verdict = await tryWrite({ pool, end, write, think: this.#think })
    if (verdict.kind !== 'acknowledged') return await this.#goOn(write, { tenant, end, verdict })
    this.#accept(write, { end, startedMs })
    return 'done'
  }

  async #tryHeld(homes: AppHomes, write: Write, tenant: Tenant): Promise<Next> {
    const begunMs = performance.now()
    let refusals = 0
    const onRefused = (mode: FenceMode) => {
      refusals += 1
      if (mode === 'moved') this.#tally.redirected += 1
      else this.#tally.refuse(tenant.id)
    }
    const held = await tryHeld(homes, { write, think: this.#think, onRefused })
    const { verdict, end } = held
    tenant.home = end
    if (verdict.kind === 'acknowledged') {
      this.#accept(write, held)
      if (refusals > 0) this.#tally.hold(performance.now() - begunMs)
      return 'done'
    }
    if (verdict.kind !== 'refused') return await this.#goOn(write, { tenant, end, verdict })
    this.#turnAway(write)
    return 'done'
  }

  #accept(write: Write, at: { end: EndName; startedMs: number }): void {
    this.ledger.acknowledge(write, { end: at.end, startedMs: at.startedMs })
    this.#tally.accept(write)
  }

  #think = () => {
    return this.#sleep(Math.random() * (this.#parts.options.thinkMs ?? defaults.thinkMs))
  }

  async #goOn(
    write: Write,
    { tenant, end, verdict }: { tenant: Tenant; end: EndName; verdict: Verdict },
  ): Promise<Next> {
    if (verdict.kind === 'refused') return await this.#meetFence(verdict.mode, tenant, end)
    if (verdict.kind === 'again') {
      this.#tally.retried += 1
      return 'at once'
    }
    if (verdict.kind === 'unknown') {
      this.#tally.unknown += 1
      this.ledger.settle(write, 'unknown')
      return 'done'
    }
    if (verdict.kind === 'missing' && (await this.#findHome(tenant)) !== end) return 'at once'
    this.#giveUp(write, 'code' in verdict ? verdict.code : verdict.kind)
    return 'done'
  }

  async #meetFence(mode: FenceMode, tenant: Tenant, end: EndName): Promise<Next> {
    if (mode === 'moved') {
      tenant.home = otherEnd(end)
      this.#tally.redirected += 1
      return 'at once'
    }
    this.#tally.refuse(tenant.id)
    if (mode === 'receiving') await this.#findHome(tenant)
    return 'wait'
  }

  /** Where the ends cannot be asked, it is what it was. */
  async #findHome(tenant: Tenant): Promise<EndName> {
    const homes = await readHomes(this.#parts.pools).catch(() => null)
    if (homes) tenant.home = homes(tenant.id)
    return tenant.home
  }

  #giveUp(write: Write, code: string): void {
    this.#tally.fail(code)
    this.ledger.settle(write, 'undone')
  }

  /** Ends early when the traffic is stopped. */
  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#stopping
    if (ms > 0) await delay(ms, undefined, { signal }).catch(() => {})
  }
}

async function endPools(pools: Pools): Promise<void> {
  await Promise.all([pools.source.end(), pools.target.end()])
}

function pick<T>(items: readonly T[]): T {
  const item = items[Math.floor(Math.random() * items.length)]
  if (item === undefined) throw new Error('there is nothing to pick from')
  return item
}
