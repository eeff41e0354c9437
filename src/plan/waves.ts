/**
 * Waves: tenants of a run that move before the next ones begin, and what has to hold between. Pure.
 */
import { durationMs } from '../duration.ts'

/** A number of tenants, or a share of them: `'2%'`. */
export type Failures = number | string

export interface Wave {
  /** Default: what it takes, e.g. `5 %`. */
  readonly name?: string | undefined
  /** Exactly one of these three. A tenant belongs to the first wave that takes it. */
  readonly tenants?: readonly string[] | undefined
  /** The tenants of this share, as `--percent` chooses them. */
  readonly percent?: number | undefined
  readonly rest?: true | undefined
  /** Time from its last move to the next wave: `'1h'`. Default: none. */
  readonly soak?: string | undefined
  /** The next wave begins only after `rehome approve`. */
  readonly approve?: true | undefined
  readonly gates?:
    | {
        /** Failed and rolled back moves that are tolerated; not those skipped. Default 0. */
        readonly failed?: Failures | undefined
        /** The largest pause of 99 % of the wave's tenants, in ms. Default: any. */
        readonly pauseMsP99?: number | undefined
      }
    | undefined
}

/** When no further move of a run begins; moves under way go on. */
export interface StopWhen {
  /** So many moves have failed, since the run was enqueued or last resumed. */
  readonly failed?: Failures | undefined
  /** 99 % of the pauses are not within this, in ms. */
  readonly pauseMsP99?: number | undefined
}

/** A wave as its run keeps it. */
export interface RunWave {
  readonly name: string
  readonly tenants: number
  readonly soakMs: number
  readonly approve: boolean
  readonly failedMax: number
  readonly pauseMsP99: number | null
}

export interface Scheduled {
  readonly waves: readonly RunWave[]
  /** Tenant → the number of its wave, from 1. */
  readonly waveOf: ReadonlyMap<string, number>
}

/** Leaves out waves without a tenant. `percentile`: the tenant's place among all possible ones. */
export function schedule(
  waves: readonly Wave[],
  tenants: readonly string[],
  percentile: (tenant: string) => number,
): Scheduled {
  const left = new Set(tenants)
  const waveOf = new Map<string, number>()
  const taken: RunWave[] = []
  for (const wave of waves) {
    const named = new Set(wave.tenants)
    const takes = (tenant: string) =>
      wave.rest === true ||
      named.has(tenant) ||
      (wave.percent !== undefined && percentile(tenant) < wave.percent)
    const own = [...left].filter(takes)
    if (own.length === 0) continue
    taken.push(runWave(wave, own.length))
    for (const tenant of own) {
      left.delete(tenant)
      waveOf.set(tenant, taken.length)
    }
  }
  return { waves: taken, waveOf }
}

function runWave(wave: Wave, tenants: number): RunWave {
  const { name, percent, soak, approve = false, gates = {} } = wave
  const { failed = 0, pauseMsP99 = null } = gates
  const what = percent === undefined ? (wave.rest ? 'rest' : 'named') : `${percent} %`
  const soakMs = soak === undefined ? 0 : durationMs(soak)
  const failedMax = Math.floor(failuresOf(failed, tenants))
  return { name: name ?? what, tenants, soakMs, approve, failedMax, pauseMsP99 }
}

/** A share becomes a number of tenants. */
function failuresOf(failed: Failures, tenants: number): number {
  return typeof failed === 'number' ? failed : (Number.parseFloat(failed) * tenants) / 100
}

/** A wave and its moves, as they stand. */
export interface WaveState {
  readonly number: number
  readonly wave: RunWave
  /** Moves and rollbacks of this and of earlier waves that are not over. */
  readonly open: number
  /** Also those that were rolled back. */
  readonly failed: number
  readonly pauseMsP99: number | null
  /** Since it was first seen to have no open move, in ms; null: it has some. */
  readonly endedMs: number | null
  readonly isApproved: boolean
  readonly isOverridden: boolean
}

export interface Verdict {
  readonly next: boolean
  /** Why the next wave does not begin yet. */
  readonly reason: string
}

/** Whether the next wave may begin, in the order: moves, gates, soak, a person. */
export function verdictOn(state: WaveState, runId: string): Verdict {
  const { number, wave, open, failed, endedMs } = state
  const which = `wave ${number} (${wave.name})`
  const wait = (reason: string) => ({ next: false, reason: `${which} ${reason}` })
  if (open > 0 || endedMs === null) return wait(`has ${open} open of ${wave.tenants} tenant(s)`)
  if (state.isOverridden) return { next: true, reason: `${which} was overridden` }
  const approve = `rehome approve ${runId} --wave ${number}`
  const override = `\`${approve} --override\``
  if (failed > wave.failedMax) {
    const advice = `retry or skip them, or ${override}`
    const what = `${failed} failed or rolled back move(s)`
    return wait(`has ${what}, allowed are ${wave.failedMax}: ${advice}`)
  }
  const { pauseMsP99: pause } = state
  if (wave.pauseMsP99 !== null && pause !== null && pause > wave.pauseMsP99) {
    const most = `allowed are ${wave.pauseMsP99} ms`
    return wait(`has a 99 % pause of ${Math.round(pause)} ms, ${most}: ${override}`)
  }
  if (endedMs < wave.soakMs) {
    return wait(`soaks for ${Math.ceil((wave.soakMs - endedMs) / 1000)} s more`)
  }
  if (wave.approve && !state.isApproved) {
    return wait(`waits for a person: \`${approve}\``)
  }
  return { next: true, reason: `${which} has ended` }
}

/** null: go on. Else the reason why no further move begins. */
export function stopReason(
  { failed: limit, pauseMsP99: most }: StopWhen,
  state: { readonly tenants: number; readonly failed: number; readonly pauseMsP99: number | null },
): string | null {
  const { tenants, failed, pauseMsP99: pause } = state
  if (limit !== undefined && failed > 0 && failed >= failuresOf(limit, tenants)) {
    return `stopWhen.failed: ${failed} move(s) failed or were rolled back, the limit is ${limit}`
  }
  if (most !== undefined && pause !== null && pause > most) {
    return `stopWhen.pauseMsP99: 99 % of the pauses take ${Math.round(pause)} ms, the limit is ${most} ms`
  }
  return null
}
