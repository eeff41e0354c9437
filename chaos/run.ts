/**
 * One run of the chaos: build a world, let writers, errands and faults loose on it, let it come to
 * rest, and look at what is left.
 *
 * Invariant: everything that it starts has ended when it returns, or when its process dies.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type Library, openLibrary } from '../src/coordinator/rehome.ts'
import { createLog } from '../src/log.ts'
import { readBystanders } from './checks/bystanders.ts'
import { type Check, checkAll, isOpen } from './checks/check.ts'
import type { Finding } from './checks/findings.ts'
import { Errands } from './errands.ts'
import { Faults } from './faults/faults.ts'
import { Network } from './faults/network.ts'
import { Outages } from './faults/outages.ts'
import { schedule } from './faults/schedule.ts'
import { Log } from './log.ts'
import type { ChaosOptions } from './options.ts'
import { randomOf } from './random.ts'
import { untilAtRest } from './rest.ts'
import { environmentOf, type Servers, startServers } from './servers.ts'
import { describeSessions, watchBlockers } from './sessions.ts'
import { discarding, tenants } from './tenants.ts'
import { WorkerSlot } from './worker-slot.ts'
import { Ledger } from './writers/ledger.ts'
import { Pauses } from './writers/pauses.ts'
import { readSeed } from './writers/seed.ts'
import { Waits } from './writers/waits.ts'
import { Writers } from './writers/writers.ts'

/** The result of a run. */
export interface Outcome {
  readonly ledger: Ledger
  readonly pauses: Pauses
  readonly waits: Waits
  readonly log: Log
  readonly faults: ReadonlyMap<string, number>
  readonly errands: ReadonlyMap<string, number>
  readonly codes: Readonly<Record<string, number>>
  readonly stale: number
  readonly phases: Readonly<Record<string, number>>
  readonly findings: readonly Finding[]
  readonly cutovers: number
  readonly settledMs: number
  /** The workers' logs, for the account of a run that went wrong. */
  readonly workerLogs: readonly string[]
}

/** How long no move may end once all faults are over, and how long all of them may take. */
const restMs = { untilNext: 60_000, untilLast: 300_000 }

export async function runChaos(
  options: ChaosOptions,
  tell: (line: string) => void,
): Promise<Outcome> {
  const undos: (() => Promise<unknown>)[] = []
  try {
    tell(`seed ${options.seed}: starting servers`)
    const servers = await startServers(options.queue)
    undos.push(async () => await servers[Symbol.asyncDispose]())
    return await unleash({ options, servers, undos, tell })
  } finally {
    for (const undo of undos.reverse()) await undo().catch(() => {})
  }
}

interface Parts {
  readonly options: ChaosOptions
  readonly servers: Servers
  readonly undos: (() => Promise<unknown>)[]
  readonly tell: (line: string) => void
}

type Pools = Check['pools']

async function unleash({ options, servers, undos, tell }: Parts): Promise<Outcome> {
  const { urls } = servers
  const pools = {
    source: openPool(urls.source),
    target: openPool(urls.target),
    control: openPool(urls.control),
  }
  undos.push(() => Promise.all(Object.values(pools).map((pool) => pool.end())))
  const [ledger, pauses, outages, log] = [new Ledger(), new Pauses(), new Outages(), new Log()]
  const waits = new Waits()
  const random = (name: string) => randomOf(options.seed, name)
  const before = {
    seed: await readSeed(pools.source, tenants),
    bystanders: await readBystanders(pools),
  }
  const network = new Network(urls)
  undos.push(() => network[Symbol.asyncDispose]())
  const rehome = await openRehome(servers)
  undos.push(() => rehome.close())
  const directory = await mkdtemp(join(tmpdir(), 'rehome-chaos-'))
  undos.push(() => rm(directory, { recursive: true, force: true }))
  const slots: WorkerSlot[] = []
  for (const name of ['worker 1', 'worker 2'] as const) {
    const environment = environmentOf(await network.connect(name))
    const onCrash = () => faults.count('crash at a call')
    const slot = { name, directory, environment, random: random(name), log, outages, onCrash }
    slots.push(new WorkerSlot(slot))
  }
  undos.push(() => Promise.all(slots.map((slot) => slot[Symbol.asyncDispose]())))
  const durationMs = options.minutes * 60_000
  const victims = {
    servers,
    network,
    slots,
    outages,
    log,
    pools,
    rehome,
    random: random('victims'),
  }
  const faults = new Faults(
    victims,
    schedule({ random: random('faults'), durationMs, queue: options.queue }),
  )
  undos.push(() => faults.end())
  const quiet = new Set<string>()
  const direct = { source: urls.source, target: urls.target }
  const proxied = { ...direct, ...(await network.connect('writers')) }
  const writing = {
    tenants,
    direct,
    proxied,
    ledger,
    pauses,
    waits,
    outages,
    quiet,
    random: random('writers'),
  }
  const writers = new Writers(writing)
  undos.push(() => writers.stop())
  const { strategy } = options
  const asking = { rehome, pools, tenants, quiet, strategy, random: random('errands'), log }
  const errands = new Errands(asking)
  undos.push(() => errands.end())

  const watching = new AbortController()
  undos.push(async () => watching.abort())
  void watchBlockers(pools, waits, watching.signal)

  const live = () => {
    const hit = [...faults.counts.values()].reduce((sum, count) => sum + count, 0)
    const seconds = Math.round(log.nowMs() / 1000)
    tell(
      `${seconds} s: ${ledger.count('acknowledged')} writes, ${pauses.refusals} refused, ${hit} faults`,
    )
  }
  tell(`unleashed for ${options.minutes} min`)
  for (let left = durationMs; left > 0; left = durationMs - log.nowMs()) {
    await delay(Math.min(left, 10_000))
    live()
  }
  await Promise.all([faults.end(), errands.end()])
  log.note('fault', 'all faults are over')
  const restedMs = log.nowMs()
  await Promise.all(slots.map((slot) => slot.calmDown()))
  const isAtRest = await untilAtRest(() => countOpen(pools.control), restMs)
  if (!isAtRest) for (const line of await describeSessions(pools)) log.note('session', line)
  const settledMs = log.nowMs() - restedMs
  await writers.stop()
  tell(`at rest after ${Math.round(settledMs / 1000)} s; comparing`)
  const check: Check = {
    pools,
    tenants,
    lenient: new Set(discarding),
    ledger,
    before,
    pauses: pauses.all(),
    waits,
    outages,
    workers: slots.map((slot) => slot.name),
  }
  const checked = await checkAll(check)
  const findings = [...checked.findings, ...movedTwice(errands), ...idle(checked.cutovers)]
  return {
    ledger,
    pauses,
    waits,
    log,
    faults: faults.counts,
    errands: errands.counts,
    codes: writers.codes,
    stale: writers.stale,
    phases: await readStory(pools, log),
    findings,
    cutovers: checked.cutovers,
    settledMs,
    workerLogs: await Promise.all(slots.map((slot) => readFile(slot.logFile, 'utf8'))),
  }
}

function movedTwice({ doubled }: Errands): Finding[] {
  const text = 'a second move was let in while the first was open'
  return doubled.map((tenant) => ({ kind: 'moved twice', tenant, text }))
}

function idle(cutovers: number): Finding[] {
  const text = 'the machine may have been too busy: try for longer'
  return cutovers > 0 ? [] : [{ kind: 'idle', tenant: null, text }]
}

function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    application_name: 'chaos',
    max: 20,
    connectionTimeoutMillis: 5_000,
    query_timeout: 15_000,
  })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

async function openRehome({ urls }: Servers): Promise<Library> {
  const environment = environmentOf(urls)
  return await openLibrary({ environment, by: 'chaos', log: createLog({ level: 'silent' }) })
}

/** null: the control database does not say. */
async function countOpen(control: pg.Pool): Promise<number | null> {
  const query = `select count(*)::int as open from rehome_control.moves where ${isOpen}`
  return await control.query(query).then(
    ({ rows }) => rows[0].open,
    () => null,
  )
}

/** Adds what the control database tells to the log; returns how many moves ended in which phase. */
async function readStory({ control }: Pools, log: Log): Promise<Record<string, number>> {
  const query = `select e.at, m.tenant_id, m.run_id, e.attempt, e.message from rehome_control.events e
    join rehome_control.moves m on m.id = e.move_id order by e.id`
  for (const { at, tenant_id, run_id, attempt, message } of (await control.query(query)).rows) {
    log.add({
      atMs: at.getTime() - log.startedAt,
      by: 'event',
      tenant: tenant_id,
      text: `${run_id}, attempt ${attempt}: ${message}`,
    })
  }
  const phases = `select phase, count(*)::int as moves from rehome_control.moves group by 1`
  const { rows } = await control.query<{ phase: string; moves: number }>(phases)
  return Object.fromEntries(rows.map(({ phase, moves }) => [phase, moves]))
}
