/**
 * The applications of the chaos: they write to all tenants all the time, wherever each lives.
 *
 * Where a tenant lives is remembered and learned anew from the fence. Some writes go to the other
 * end on purpose, as a server with an old notion of it would. A write that the fence refuses is
 * given up, but for one a tenant, which knocks until it is let in. Invariant: nothing is tried that
 * is not in the ledger, and each write is settled once `stop` has returned.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { type EndName, isolations, otherEnd } from '../../demo/application/ledger.ts'
import { createAppPool, tryTransaction, type Verdict } from '../../demo/application/transact.ts'
import type { Outages } from '../faults/outages.ts'
import type { Random } from '../random.ts'
import { counterNames, type Ends, endNames } from '../tenants.ts'
import { homeOf } from './homes.ts'
import type { Kind, Ledger, NewWrite, Style, Write } from './ledger.ts'
import { openOtherEnd } from './open-end.ts'
import type { Pauses } from './pauses.ts'
import { perform } from './perform.ts'
import type { Waits } from './waits.ts'

export interface WritersOptions {
  readonly tenants: readonly string[]
  /** Where half of the writers connect to, and all that knock at a fence. */
  readonly direct: Ends<string>
  /** Where the other half connects to. */
  readonly proxied: Ends<string>
  readonly ledger: Ledger
  readonly pauses: Pauses
  readonly waits: Waits
  /** Told of transactions that stay open: one may be the first after a lease has lapsed. */
  readonly outages: Outages
  readonly random: Random
  /** Tenants that are to be left alone for now; others change it. */
  readonly quiet: ReadonlySet<string>
  /** How many write at one time. Default 10. */
  readonly writers?: number
}

type Pools = Ends<pg.Pool>

/** The next step of a write after one try. */
type Next = 'settled' | 'wait' | 'again' | 'missing'

const triesMax = 6
const knockEveryMs = 30
const kinds: readonly Kind[] = [
  ...([
    'add',
    'add',
    'count',
    'count',
    'count',
    'visit',
    'many',
    'copy',
    'erase',
    'erase',
  ] as const),
]

export class Writers implements AsyncDisposable {
  readonly #options: WritersOptions
  readonly #pools: { direct: Pools; proxied: Pools }
  readonly #homes: Map<string, EndName>
  /** Tenant → the key to the other end, from a refusal of the end that the tenant has left. */
  readonly #keys = new Map<string, { from: EndName; key: string }>()
  /** `tenant end`: it has lived there, so that somebody may still believe so. */
  readonly #lived = new Set<string>()
  readonly #knocking = new Set<string>()
  readonly #stopping = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #codes = new Map<string, number>()
  #stale = 0

  constructor(options: WritersOptions) {
    this.#options = options
    const { writers = 10, direct, proxied, tenants } = options
    const open = (urls: Ends<string>, size: number) => ({
      source: createAppPool(urls.source, size),
      target: createAppPool(urls.target, size),
    })
    this.#pools = {
      direct: open(direct, writers + tenants.length),
      proxied: open(proxied, writers),
    }
    this.#homes = new Map(tenants.map((tenant) => [tenant, 'source']))
    setMaxListeners(0, this.#stopping.signal)
    for (let i = 0; i < writers; i++) {
      this.#run(this.#keepWriting(i % 2 === 0 ? this.#pools.direct : this.#pools.proxied))
    }
  }

  /** Writes that went to the wrong end on purpose. */
  get stale(): number {
    return this.#stale
  }

  /** SQLSTATE or word → tries that ended with it. */
  get codes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#codes)
  }

  /** Lets writes under way end. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    while (this.#running.size > 0) await Promise.all(this.#running)
    const pools = Object.values(this.#pools).flatMap((ends) => [ends.source, ends.target])
    await Promise.all(pools.map(async (pool) => pool.ended || (await pool.end())))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #run(work: Promise<void>): void {
    const running = work.finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async #keepWriting(pools: Pools): Promise<void> {
    const { random, tenants, quiet, ledger } = this.#options
    while (!this.#stopping.signal.aborted) {
      await this.#sleep(random.between(20, 140))
      const tenant = random.pick(tenants)
      if (quiet.has(tenant)) continue
      const write = ledger.begin(this.#compose(tenant))
      const other = otherEnd(this.#home(tenant))
      const mayErr = this.#lived.has(`${tenant} ${other}`) && random.chance(0.08)
      if (mayErr) await this.#goAstray(write, { end: other, pools })
      else await this.#carryOut(write, pools)
    }
  }

  #compose(tenant: string): NewWrite {
    const { random, ledger } = this.#options
    const wanted = random.pick(kinds)
    const erases = wanted === 'erase' ? ledger.takeErasable(tenant, 150) : null
    const kind = wanted === 'erase' && !erases ? 'add' : wanted
    const parts = ['many', 'copy', 'visit'].includes(kind) ? random.between(1, 12) : 1
    const counter = kind === 'count' ? random.pick(counterNames) : null
    const isolation = random.pick(isolations)
    return { tenant, kind, style: this.#style(), isolation, parts, counter, erases }
  }

  #style(): Style {
    const { random } = this.#options
    const drawn = random.next()
    if (drawn < 0.05) return 'slow'
    if (drawn < 0.17) return 'savepoint'
    return drawn < 0.2 ? 'undone' : 'plain'
  }

  async #tryAt(end: EndName, write: Write, pools: Pools): Promise<Verdict> {
    const { pauses, random, waits, outages } = this.#options
    let thoughtMs = 0
    write.startedMs = performance.now()
    write.end = end
    write.xid = null
    const think = async () => {
      const fromMs = performance.now()
      const isSlow = write.style === 'slow'
      await this.#sleep(isSlow ? random.between(1_000, 3_000) : random.between(0, 4))
      const toMs = performance.now()
      if (isSlow) outages.add(`tenant ${write.tenant}`, { fromMs, toMs })
      thoughtMs += toMs - fromMs
    }
    const { isolation } = write
    const work = (client: pg.PoolClient) => perform(client, write, think)
    const verdict = await tryTransaction(pools[end], { isolation, work })
    write.endedMs = performance.now()
    const word = 'code' in verdict ? verdict.code : verdict.kind
    const { tenant, startedMs: fromMs, endedMs: toMs } = write
    const isAway = isAwayBy(verdict)
    waits.add({ tenant, end, fromMs, toMs, thoughtMs, answer: word, isAway })
    this.#codes.set(word, (this.#codes.get(word) ?? 0) + 1)
    if (verdict.kind === 'refused') pauses.refuse(write.tenant, { end, mode: verdict.mode })
    if (verdict.kind === 'acknowledged') this.#accepted(write, end)
    if (verdict.kind === 'unknown') this.#options.ledger.settle(write, 'unknown')
    return verdict
  }

  #accepted(write: Write, end: EndName): void {
    this.#options.ledger.acknowledge(write)
    this.#options.pauses.accept(write.tenant, write)
    this.#homes.set(write.tenant, end)
    this.#lived.add(`${write.tenant} ${end}`)
    this.#keys.delete(write.tenant)
  }

  /** One try at the end where the tenant has lived before. */
  async #goAstray(write: Write, { end, pools }: { end: EndName; pools: Pools }): Promise<void> {
    const { ledger, pauses } = this.#options
    const isPaused = pauses.isGoing(write.tenant)
    this.#stale += 1
    const { kind } = await this.#tryAt(end, write, pools)
    if (kind === 'refused' && !isPaused) pauses.forget(write.tenant)
    if (kind !== 'acknowledged' && kind !== 'unknown') ledger.settle(write, 'undone')
  }

  /** Until the write is settled. At a fence one a tenant begins to knock. */
  async #carryOut(write: Write, pools: Pools): Promise<void> {
    const { ledger, pauses } = this.#options
    for (let tries = 1; tries <= triesMax; tries++) {
      const verdict = await this.#tryOnce(write, pools)
      if (verdict === 'settled') return
      if (verdict === 'wait') break
    }
    if (!pauses.isGoing(write.tenant) || this.#knocking.has(write.tenant)) {
      ledger.settle(write, 'undone')
      return
    }
    this.#knocking.add(write.tenant)
    this.#run(this.#knock(write).finally(() => this.#knocking.delete(write.tenant)))
  }

  /** Gives a row up that is missing at both ends: it stays away. */
  async #knock(write: Write): Promise<void> {
    for (let missed = 0; !this.#stopping.signal.aborted && missed < 2 * triesMax; ) {
      await this.#sleep(knockEveryMs)
      const verdict = await this.#tryOnce(write, this.#pools.direct)
      if (verdict === 'settled') return
      missed = verdict === 'missing' ? missed + 1 : 0
    }
    this.#options.ledger.settle(write, 'undone')
  }

  async #tryOnce(write: Write, pools: Pools): Promise<Next> {
    const { tenant } = write
    const end = this.#home(tenant)
    const verdict = await this.#tryAt(end, write, pools)
    if (verdict.kind === 'again') return 'again'
    if (verdict.kind === 'missing') {
      // An end without its rows does not say where it lives, so that has to be asked.
      const home = await homeOf(this.#pools.direct, tenant).catch(() => null)
      this.#homes.set(tenant, home ?? end)
      return 'missing'
    }
    if (verdict.kind === 'refused') return await this.#meetFence(write, { end, verdict })
    if (verdict.kind !== 'failed') return 'settled'
    // The knocker goes on where a connection fails; others leave it at that.
    if (this.#knocking.has(tenant) && verdict.code !== 'CHANGED_MIND') return 'wait'
    this.#options.ledger.settle(write, 'undone')
    return 'settled'
  }

  async #meetFence(
    { tenant }: Write,
    { end, verdict }: { end: EndName; verdict: Extract<Verdict, { kind: 'refused' }> },
  ): Promise<'wait' | 'again'> {
    if (verdict.mode === 'read_only') return 'wait'
    const told = this.#keys.get(tenant)
    if (verdict.key !== null) this.#keys.set(tenant, { from: end, key: verdict.key })
    const other = otherEnd(end)
    this.#homes.set(tenant, other)
    if (told?.from !== other) return verdict.mode === 'moved' ? 'again' : 'wait'
    // The other end has said that the tenant lives here, and gave what opens this one.
    await this.#open(end, tenant, told.key)
    this.#homes.set(tenant, end)
    return 'again'
  }

  async #open(end: EndName, tenant: string, key: string): Promise<void> {
    const fromMs = performance.now()
    await openOtherEnd(this.#pools.direct[end], { tenant, key })
    const toMs = performance.now()
    const answer = 'opened by its key'
    this.#options.waits.add({ tenant, end, fromMs, toMs, thoughtMs: 0, answer, isAway: false })
  }

  #home(tenant: string): EndName {
    return this.#homes.get(tenant) ?? endNames[0]
  }

  /** Ends early when the writers are to stop. */
  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#stopping
    if (ms > 0) await delay(ms, undefined, { signal }).catch(() => {})
  }
}

/** The tenant does not live where it was tried. */
function isAwayBy(verdict: Verdict): boolean {
  if (verdict.kind === 'missing') return true
  return verdict.kind === 'refused' && verdict.mode !== 'read_only'
}
