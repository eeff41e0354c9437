/**
 * Waves: tenants of a run that move before the next ones begin, and what has to hold between. Pure.
 */
import { durationMs } from '../duration.ts'
import { type Facts, parseCondition } from './facts.ts'
import { isSql, type SqlText } from './sql-text.ts'

/** A number of tenants, or a share of them: `'2%'`. */
export type Failures = number | string

export interface Wave {
  /** Default: what it takes, e.g. `5 %`. */
  readonly name?: string | undefined
  /**
   * Exactly one of these five. A tenant belongs to the first wave that takes it. A list, or an SQL
   * query of one column run at the source.
   */
  readonly tenants?: readonly string[] | SqlText | undefined
  /** The tenants of this share, as `--percent` chooses them. */
  readonly percent?: number | undefined
  /** Those for which a condition on facts holds: `risk = low and rows < 10000`. */
  readonly where?: string | undefined
  /** So many of those that are left, in the order of the plan. */
  readonly first?: number | undefined
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
        /** The ways back of its tenants have been audited, and all of them are open. */
        readonly audited?: true | undefined
        /**
         * Asked by a worker after all others and the soak, every 10 s until it returns true; else
         * it returns the reason. A check of the application, or of a monitoring system.
         */
        readonly check?: GateCheck | undefined
      }
    | undefined
}

export type GateCheck = (wave: {
  readonly runId: string
  /** From 1, in the order of the run. */
  readonly wave: number
  readonly name: string
  readonly tenants: number
  readonly signal: AbortSignal
}) => Promise<true | string> | true | string

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
  readonly audited?: true | undefined
  /** Its place among the waves of the plan, from 0, where it has a `gates.check`. */
  readonly check?: number | undefined
}

/** Data by which waves take tenants. */
export interface TenantView {
  /** The tenant's place among all possible ones, in percent. */
  readonly percentile: number
  /** Places of the waves that name it, from 0. */
  readonly named: readonly number[]
  /** null: there are none. */
  readonly facts: Facts | null
}

/** A wave's place in the plan, from 0. */
export type Taker = (tenant: TenantView) => number

/**
 * Asks for one tenant after another, in the order in which they are to begin, which wave takes it.
 * A plan without waves takes all with its first one.
 */
export function takerOf(waves: readonly Wave[]): Taker {
  const takes = waves.map(takesOf)
  return (tenant) =>
    Math.max(
      0,
      takes.findIndex((take) => take(tenant)),
    )
}

function takesOf(
  { percent, where, first, rest }: Wave,
  place: number,
): (tenant: TenantView) => boolean {
  if (rest) return () => true
  if (first !== undefined) {
    let left = first
    return () => {
      left -= 1
      return left >= 0
    }
  }
  if (percent !== undefined) return ({ percentile }) => percentile < percent
  if (where !== undefined) {
    const condition = parseCondition(where)
    return ({ facts }) => condition.holds(facts ?? {})
  }
  return ({ named }) => named.includes(place)
}

export interface Scheduled {
  /** Those that have a tenant. */
  readonly waves: readonly RunWave[]
  /** The number in its run, from 1, of the wave at this place in the plan. */
  readonly numberOf: (place: number) => number
}

/** `tenants`: those that each wave of the plan takes. */
export function schedule(waves: readonly Wave[], tenants: readonly number[]): Scheduled {
  const taken: RunWave[] = []
  const numbers = waves.map((wave, i) => {
    const own = tenants[i] ?? 0
    const check = wave.gates?.check && { check: i }
    if (own > 0) taken.push({ ...runWave(wave, own), ...check })
    return taken.length
  })
  return { waves: taken, numberOf: (place) => numbers[place] ?? 1 }
}

function runWave(wave: Wave, tenants: number): RunWave {
  const { soak, approve = false, gates = {} } = wave
  const { failed = 0, pauseMsP99 = null, audited } = gates
  const soakMs = soak === undefined ? 0 : durationMs(soak)
  const failedMax = Math.floor(failuresOf(failed, tenants))
  const name = wave.name ?? nameOf(wave)
  return { name, tenants, soakMs, approve, failedMax, pauseMsP99, ...(audited && { audited }) }
}

function nameOf({ percent, where, first, rest, tenants }: Wave): string {
  if (rest) return 'rest'
  if (percent !== undefined) return `${percent} %`
  if (first !== undefined) return `first ${first}`
  return where ?? (tenants && isSql(tenants) ? 'queried' : 'named')
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
  /** Moved tenants whose open way back was not audited yet, and those whose audit has failed. */
  readonly unaudited?: number | undefined
  readonly auditsFailed?: number | undefined
  /** The last answer of its `gates.check`; null: it was not asked. */
  readonly answer?: true | string | null | undefined
  /** Since it was first seen to have no open move, in ms; null: it has some. */
  readonly endedMs: number | null
  readonly isApproved: boolean
  readonly isOverridden: boolean
}

export interface Verdict {
  readonly next: boolean
  /** Why the next wave does not begin yet. */
  readonly reason: string
  /** It will not begin by itself: a person has to decide. */
  readonly asksPerson?: boolean
  /** The wave's `gates.check` has to be asked. */
  readonly asksPlan?: boolean
}

/** Whether the next wave may begin, in the order: moves, gates, soak, a person. */
export function verdictOn(state: WaveState, runId: string): Verdict {
  const { number, wave, open, failed, endedMs } = state
  const which = `wave ${number} (${wave.name})`
  const wait = (reason: string) => ({ next: false, reason: `${which} ${reason}` })
  const ask = (reason: string) => ({ ...wait(reason), asksPerson: true })
  if (open > 0 || endedMs === null) return wait(`has ${open} open of ${wave.tenants} tenant(s)`)
  if (state.isOverridden) return { next: true, reason: `${which} was overridden` }
  const approve = `rehome approve ${runId} --wave ${number}`
  const override = `\`${approve} --override\``
  if (failed > wave.failedMax) {
    const advice = `retry or skip them, or ${override}`
    const what = `${failed} failed or rolled back move(s)`
    return ask(`has ${what}, allowed are ${wave.failedMax}: ${advice}`)
  }
  const { pauseMsP99: pause } = state
  if (wave.pauseMsP99 !== null && pause !== null && pause > wave.pauseMsP99) {
    const most = `allowed are ${wave.pauseMsP99} ms`
    return ask(`has a 99 % pause of ${Math.round(pause)} ms, ${most}: ${override}`)
  }
  const { unaudited = 0, auditsFailed = 0 } = wave.audited ? state : {}
  if (auditsFailed > 0)
    return ask(`has ${auditsFailed} way(s) back that failed an audit: ${override}`)
  if (unaudited > 0) return wait(`has ${unaudited} way(s) back that are not audited yet`)
  if (endedMs < wave.soakMs) {
    return wait(`soaks for ${Math.ceil((wave.soakMs - endedMs) / 1000)} s more`)
  }
  const { answer = null } = state
  if (wave.check !== undefined && answer !== true) {
    const what = answer === null ? 'waits for its gates.check' : `gates.check answers: ${answer}`
    return { ...wait(answer === null ? what : `is kept back, ${what}`), asksPlan: true }
  }
  if (wave.approve && !state.isApproved) {
    return ask(`waits for a person: \`${approve}\``)
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
