/**
 * Inflicts the faults of a schedule, each at its time, and counts them by kind.
 *
 * A fault never waits for another one; where it has nothing to hit (the worker is just starting, no
 * job is open) it is not counted. Invariant: once `end` has returned, everything that was taken
 * away is back.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import type { OnData } from '../../dev/tcp-proxy.ts'
import type { Library } from '../../src/coordinator/rehome.ts'
import type { Log } from '../log.ts'
import type { Random } from '../random.ts'
import { bringBack, type Servers } from '../servers.ts'
import type { WorkerSlot } from '../worker-slot.ts'
import { hang } from './hang.ts'
import { harmBackends, lockTable } from './harm-database.ts'
import { addJobTwice, dieAsFeeder, editJob, flushRedis } from './harm-jobs.ts'
import { changeColumns, makePartition, type SchemaHarm, toggleGuard } from './harm-schema.ts'
import { holdTenant, prepareTenant, type TenantHarm } from './harm-writers.ts'
import { inflictOnSchema, inflictOnTenant } from './inflict.ts'
import type { Network, Party, ServerName } from './network.ts'
import type { Outages } from './outages.ts'
import type { Fault, FaultKind } from './schedule.ts'

export interface Victims {
  readonly servers: Servers
  readonly network: Network
  readonly slots: readonly WorkerSlot[]
  readonly outages: Outages
  readonly log: Log
  /** Directly connected to the three databases. */
  readonly pools: Readonly<Record<'source' | 'target' | 'control', pg.Pool>>
  readonly rehome: Library
  readonly random: Random
}

/** Returns what it hit, for the log; null where there was nothing. */
type Inflict = (fault: Fault) => Promise<string | null>

export class Faults {
  readonly counts = new Map<FaultKind, number>()
  readonly #victims: Victims
  readonly #ending = new AbortController()
  readonly #running = new Set<Promise<void>>()
  /** Servers that are being taken down or brought up. */
  readonly #busy = new Set<ServerName>()

  constructor(victims: Victims, schedule: readonly Fault[]) {
    this.#victims = victims
    setMaxListeners(0, this.#ending.signal)
    this.#run(this.#follow(schedule))
  }

  count(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
  }

  /** No more of them, and all that last are over. */
  async end(): Promise<void> {
    this.#ending.abort()
    while (this.#running.size > 0) await Promise.all(this.#running)
    this.#victims.network.heal()
    for (const slot of this.#victims.slots) slot.signal('SIGCONT')
  }

  async #follow(schedule: readonly Fault[]): Promise<void> {
    for (const fault of schedule) {
      await this.#last(fault.atMs - this.#victims.log.nowMs())
      if (this.#ending.signal.aborted) return
      this.#run(this.#inflict(fault))
    }
  }

  async #inflict(fault: Fault): Promise<void> {
    const { log } = this.#victims
    const hit = await this.#kinds[fault.kind](fault).catch((error: unknown) => {
      log.note('fault', `${fault.kind} did not work: ${error}`)
      return null
    })
    if (hit === null) return
    this.count(fault.kind)
  }

  #run(work: Promise<void>): void {
    const running = work.finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  readonly #kinds: Readonly<Record<Fault['kind'], Inflict>> = {
    'kill worker': (fault) => this.#signal(fault, 'SIGKILL'),
    'terminate worker': (fault) => this.#signal(fault, 'SIGTERM'),
    'block event loop': (fault) => this.#block(fault),
    'stop worker': (fault) => this.#stop(fault),
    'set clock off': (fault) => {
      this.#slot(fault)?.setClockOff(fault.aheadMs)
      return this.#signal(fault, 'SIGKILL')
    },
    'cut worker': (fault) => this.#cut(fault, `worker ${fault.worker}`),
    'freeze worker': (fault) => this.#freeze(fault, `worker ${fault.worker}`),
    'cut writers': (fault) => this.#cut(fault, 'writers'),
    'freeze writers': (fault) => this.#freeze(fault, 'writers'),
    'lose answer to worker': (fault) => this.#loseAnswer(fault, `worker ${fault.worker}`),
    'lose answer to writers': (fault) => this.#loseAnswer(fault, 'writers'),
    'cut server': (fault) => this.#cut(fault, null),
    'freeze server': (fault) => this.#freeze(fault, null),
    'restart server': (fault) => this.#takeDown({ ...fault, forMs: 0 }),
    'server down': (fault) => this.#takeDown(fault),
    'kill redis': (fault) => this.#takeDown({ ...fault, forMs: 0 }),
    'redis down': (fault) => this.#takeDown(fault),
    'flush redis': (fault) => this.#flush(fault),
    'terminate backends': (fault) => this.#harm(fault, 'pg_terminate_backend'),
    'cancel backends': (fault) => this.#harm(fault, 'pg_cancel_backend'),
    'lock table': (fault) => this.#lock(fault),
    'hang server': (fault) => this.#hang(fault),
    'hang redis': (fault) => this.#hang(fault),
    'change columns': (fault) => this.#schema(fault, changeColumns),
    'toggle guard': (fault) => this.#schema(fault, toggleGuard),
    'make partition': (fault) => this.#schema(fault, makePartition),
    'hold tenant': (fault) => this.#tenant(fault, holdTenant),
    'prepare tenant': (fault) => this.#tenant(fault, prepareTenant),
    'add job twice': (fault) => this.#job(fault, addJobTwice),
    'edit job': (fault) => this.#job(fault, editJob),
    'feeder dies': (fault) => this.#feed(fault),
  }

  #slot({ worker }: Fault): WorkerSlot | null {
    const slot = this.#victims.slots[worker - 1]
    return slot?.isReady ? slot : null
  }

  async #signal(fault: Fault, signal: NodeJS.Signals): Promise<string | null> {
    const slot = this.#slot(fault)
    if (!slot) return null
    this.#note(fault, slot.name)
    slot.signal(signal)
    return slot.name
  }

  async #block(fault: Fault): Promise<string | null> {
    const slot = this.#slot(fault)
    if (!slot) return null
    this.#note(fault, slot.name)
    slot.signal('SIGUSR2')
    const isBack = this.#victims.outages.begin(slot.name)
    await delay(6_000)
    isBack()
    return slot.name
  }

  async #stop(fault: Fault): Promise<string | null> {
    const slot = this.#slot(fault)
    if (!slot) return null
    this.#note(fault, `${slot.name} for ${fault.forMs} ms`)
    const isBack = this.#victims.outages.begin(slot.name)
    slot.signal('SIGSTOP')
    await this.#last(fault.forMs)
    slot.signal('SIGCONT')
    isBack()
    return slot.name
  }

  /** The wires of one party to one server, or of all parties. */
  #wires({ server }: Fault, party: Party | null) {
    const { wires } = this.#victims.network
    return wires.filter((wire) => wire.to === server && (party === null || wire.party === party))
  }

  async #cut(fault: Fault, party: Party | null): Promise<string | null> {
    this.#note(fault, `${party ?? 'everybody'} from ${fault.server}`)
    const cuts = this.#wires(fault, party).map(({ proxy }) => proxy.cut())
    return cuts.some((broken) => broken > 0) ? fault.server : null
  }

  /** The request is carried out, and its caller never learns it. */
  async #loseAnswer(fault: Fault, party: Party): Promise<string | null> {
    const { random } = this.#victims
    const pattern = random.chance(0.5) ? /COMMIT\0/ : /(UPDATE|DELETE|INSERT 0) 1\0/
    let lost = 0
    const onData: OnData = (chunk, way) => {
      const meant = way === 'down' && lost === 0 && pattern.test(chunk.toString('latin1'))
      if (!meant || !random.chance(0.3)) return undefined
      this.#note(fault, `${pattern} from ${fault.server} to ${party}`)
      lost += 1
      return 'cut'
    }
    const wires = this.#wires(fault, party)
    for (const { proxy } of wires) proxy.onData = onData
    await this.#last(fault.forMs)
    for (const { proxy } of wires) if (proxy.onData === onData) proxy.onData = undefined
    return lost > 0 ? fault.server : null
  }

  async #freeze(fault: Fault, party: Party | null): Promise<string | null> {
    this.#note(fault, `${party ?? 'everybody'} from ${fault.server} for ${fault.forMs} ms`)
    const wires = this.#wires(fault, party)
    for (const { proxy } of wires) proxy.freeze()
    const ends = wires.map((wire) => this.#victims.outages.begin(wire.party))
    await this.#last(fault.forMs)
    for (const { proxy } of wires) proxy.thaw()
    for (const end of ends) end()
    return fault.server
  }

  async #takeDown(fault: Fault): Promise<string | null> {
    const { servers, outages } = this.#victims
    const name = fault.server
    const server = name === 'redis' ? servers.redis : servers.postgres[name]
    if (!server || this.#busy.has(name)) return null
    this.#busy.add(name)
    this.#note(fault, `${name} for ${fault.forMs} ms`)
    const isBack = outages.begin(name)
    try {
      await server.down('immediate')
      await this.#last(fault.forMs)
      await bringBack(server)
    } finally {
      isBack()
      this.#busy.delete(name)
    }
    return name
  }

  async #hang(fault: Fault): Promise<string | null> {
    const { servers, outages } = this.#victims
    const name = fault.server
    const pid = (name === 'redis' ? servers.redis : servers.postgres[name])?.pid
    if (pid === undefined || this.#busy.has(name)) return null
    this.#busy.add(name)
    this.#note(fault, `${name} for ${fault.forMs} ms`)
    const isBack = outages.begin(name)
    const goOn = await hang(pid)
    try {
      await this.#last(fault.forMs)
    } finally {
      await goOn()
      isBack()
      this.#busy.delete(name)
    }
    return name
  }

  async #schema(fault: Fault, harm: (of: SchemaHarm) => Promise<string>): Promise<string> {
    return await inflictOnSchema(this.#victims, { fault, harm }, () => this.#last(fault.forMs))
  }

  async #tenant(fault: Fault, harm: (of: TenantHarm) => Promise<boolean>) {
    return await inflictOnTenant(this.#victims, { fault, harm }, () => this.#last(fault.forMs))
  }

  async #flush(fault: Fault): Promise<string | null> {
    const { redis } = this.#victims.servers
    if (!redis) return null
    await flushRedis(redis.url)
    this.#note(fault, 'emptied')
    return 'redis'
  }

  async #feed(fault: Fault): Promise<string | null> {
    const { pools, random } = this.#victims
    const how = await dieAsFeeder(pools.control, random, () => this.#last(fault.forMs))
    if (how !== null) this.#note(fault, how)
    return how
  }

  async #harm(fault: Fault, by: 'pg_terminate_backend' | 'pg_cancel_backend') {
    if (fault.server === 'redis') return null
    const harmed = await harmBackends(this.#victims.pools[fault.server], by)
    if (harmed > 0) this.#note(fault, `${harmed} at the ${fault.server}`)
    return harmed > 0 ? fault.server : null
  }

  async #lock(fault: Fault): Promise<string | null> {
    const { server } = fault
    if (server === 'redis' || server === 'control') return null
    const table = this.#victims.random.pick(['entries', 'counters', 'visits', 'tenants'])
    this.#note(fault, `${table} at the ${server} for ${fault.forMs} ms`)
    const isBack = this.#victims.outages.begin(`tables ${server}`)
    const lasting = () => this.#last(fault.forMs)
    await lockTable(this.#victims.pools[server], table, lasting).finally(isBack)
    return table
  }

  async #job(fault: Fault, harm: (rehome: Library, random: Random) => Promise<string | null>) {
    const tenant = await harm(this.#victims.rehome, this.#victims.random)
    if (tenant !== null) this.#victims.log.note('fault', fault.kind, tenant)
    return tenant
  }

  #note({ kind }: Fault, what: string): void {
    this.#victims.log.note('fault', `${kind}: ${what}`)
  }

  /** Ends early when the faults are to end. */
  async #last(ms: number): Promise<void> {
    const { signal } = this.#ending
    if (ms > 0) await delay(ms, undefined, { signal }).catch(() => {})
  }
}
