/**
 * Which fault comes when: drawn from the seed beforehand, so that the same seed has the same ones.
 *
 * What is hit besides (which of a server's backends, which open job) is drawn when it happens.
 */

import type { Random } from '../random.ts'
import type { Queue } from '../servers.ts'
import type { ServerName } from './network.ts'

/** Kind → how often it comes, compared with the others. */
const weights = {
  'kill worker': 9,
  'stop worker': 5,
  'terminate worker': 4,
  'set clock off': 3,
  'block event loop': 4,
  'cut worker': 8,
  'freeze worker': 6,
  'cut writers': 4,
  'freeze writers': 2,
  'lose answer to worker': 8,
  'lose answer to writers': 6,
  'cut server': 4,
  'freeze server': 2,
  'restart server': 4,
  'server down': 3,
  'terminate backends': 6,
  'cancel backends': 5,
  'lock table': 5,
  'kill redis': 3,
  'flush redis': 4,
  'redis down': 2,
  'hang server': 4,
  'hang redis': 2,
  'change columns': 4,
  'toggle guard': 3,
  'make partition': 2,
  'hold tenant': 5,
  'prepare tenant': 4,
  'add job twice': 4,
  'edit job': 4,
  'feeder dies': 5,
} as const

export type FaultKind = keyof typeof weights | 'crash at a call'

export interface Fault {
  readonly atMs: number
  readonly kind: keyof typeof weights
  readonly worker: 1 | 2
  readonly server: ServerName
  /** For how long, where it has a length. */
  readonly forMs: number
  /** The time by which a clock is ahead, where one is set. */
  readonly aheadMs: number
}

export interface ScheduleOptions {
  readonly random: Random
  readonly durationMs: number
  readonly queue: Queue
}

const gapMs = { shortest: 200, longest: 2_400 }
const clockOffMs = 600_000
const postgresServers = ['source', 'target', 'control'] as const

/** In order of time. Nothing lasts beyond the end. */
export function schedule({ random, durationMs, queue }: ScheduleOptions): Fault[] {
  const kinds = Object.entries(weights)
    .filter(([kind]) => queue === 'redis' || !kind.includes('redis'))
    .flatMap(([kind, weight]) => Array<Fault['kind']>(weight).fill(kind as Fault['kind']))
  const faults: Fault[] = []
  let atMs = 500
  for (;;) {
    atMs += random.between(gapMs.shortest, gapMs.longest)
    if (atMs >= durationMs) return faults
    const kind = random.pick(kinds)
    const worker = random.chance(0.5) ? 1 : 2
    const server = random.pick(serversOf(kind, queue))
    const forMs = Math.min(lengthOf(kind, random), durationMs - atMs)
    // With its queue in PostgreSQL BullMQ compares the clocks of its clients: what one that was
    // ahead has locked, and its last look for stalled jobs, stay untouched until that time comes.
    const isAhead = queue === 'redis' && random.chance(0.5)
    const aheadMs = isAhead ? clockOffMs : -clockOffMs
    faults.push({ atMs, kind, worker, server, forMs, aheadMs })
  }
}

function serversOf(kind: Fault['kind'], queue: Queue): readonly ServerName[] {
  if (kind.endsWith('redis') || kind === 'redis down') return ['redis']
  if (kind === 'lock table' || kind.endsWith('writers')) return ['source', 'target']
  if (kind === 'lose answer to worker') return postgresServers
  const wired = ['cut worker', 'freeze worker', 'cut server', 'freeze server'].includes(kind)
  return wired && queue === 'redis' ? [...postgresServers, 'redis'] : postgresServers
}

function lengthOf(kind: Fault['kind'], random: Random): number {
  // Mostly short, now and then as long as it gets.
  const upTo = (longest: number) => Math.round(1_000 + (longest - 1_000) * random.next() ** 2)
  if (kind === 'stop worker') return upTo(20_000)
  if (kind === 'freeze worker') return upTo(15_000)
  if (kind === 'freeze server') return upTo(6_000)
  if (kind === 'freeze writers') return upTo(5_000)
  if (kind === 'hang server' || kind === 'hang redis') return upTo(8_000)
  if (kind === 'hold tenant' || kind === 'prepare tenant') return upTo(12_000)
  if (kind === 'feeder dies') return upTo(6_000)
  if (kind === 'server down') return upTo(6_000)
  if (kind === 'redis down') return upTo(5_000)
  return random.between(300, 2_500)
}
