/** One case after the other until the time is over; what fails is shrunk. */
import type { PlanInput } from '../src/plan/plan.ts'
import type { Case } from './cases/case.ts'
import { shrink } from './cases/shrink.ts'
import { drawCase } from './draw/draw-case.ts'
import { type Fault, shapeOf } from './fault.ts'
import { type Ground, openGround } from './ground.ts'
import type { FuzzOptions } from './options.ts'
import { type Plant, tryCase, type Verdict } from './try-case.ts'

export interface Found {
  /** The case's number as it was drawn. */
  readonly number: number
  readonly fault: Fault
  /** The case as small as it could be made. */
  readonly smallest: Case
  readonly plan: Extract<Verdict, { kind: 'failed' }>['plan']
  /** Cases that failed in the same way. */
  times: number
}

export interface Outcome {
  readonly counts: Record<Verdict['kind'], number>
  /** Story → cases that lived through it. */
  readonly stories: Map<string, number>
  /** Finding of `check`, without names → cases that it refused. */
  readonly refusals: Map<string, number>
  readonly declined: Map<string, number>
  readonly found: Found[]
  readonly invalid: string[]
  writes: number
}

export interface RunOptions extends Pick<FuzzOptions, 'minutes' | 'seed' | 'case'> {
  /** Absent: one of its own. */
  readonly ground?: Ground
  readonly plant?: Plant
  /** At most so many. */
  readonly casesMax?: number
  /** How many smaller cases are tried of one that fails. Default: for 3 minutes. */
  readonly triesMax?: number
}

export async function runFuzz(options: RunOptions, tell: (line: string) => void): Promise<Outcome> {
  await using own = options.ground ? null : await openGround()
  const ground = options.ground ?? own
  if (!ground) throw new Error('there is no ground')
  const until = performance.now() + options.minutes * 60_000
  const outcome = emptyOutcome()
  const first = options.case ?? 0
  const most = options.case === null ? (options.casesMax ?? Infinity) : 1
  for (let i = 0; i < most && (i === 0 || performance.now() < until); i += 1) {
    const kase = drawCase(options.seed, first + i)
    const verdict = await tryCase(kase, ground, options.plant)
    outcome.counts[verdict.kind] += 1
    await note({ outcome, kase, verdict, ground, options, tell })
  }
  return outcome
}

function emptyOutcome(): Outcome {
  return {
    counts: { held: 0, refused: 0, declined: 0, failed: 0, invalid: 0 },
    stories: new Map(),
    refusals: new Map(),
    declined: new Map(),
    found: [],
    invalid: [],
    writes: 0,
  }
}

interface Tried {
  readonly outcome: Outcome
  readonly kase: Case
  readonly verdict: Verdict
  readonly ground: Ground
  readonly options: RunOptions
  readonly tell: (line: string) => void
}

async function note(tried: Tried): Promise<void> {
  const { outcome, kase, verdict, tell } = tried
  const count = (counts: Map<string, number>, key: string) =>
    counts.set(key, (counts.get(key) ?? 0) + 1)
  switch (verdict.kind) {
    case 'held':
      outcome.writes += verdict.writes
      count(outcome.stories, storyOf(kase, verdict.plan))
      return
    case 'refused':
      for (const shape of new Set(verdict.findings.map(({ message }) => shapeOf(message)))) {
        count(outcome.refusals, shape)
      }
      return
    case 'declined':
      count(outcome.declined, verdict.code)
      return
    case 'invalid':
      outcome.invalid.push(`case ${kase.number}: ${verdict.message}`)
      tell(`case ${kase.number}: its SQL does not run: ${verdict.message}`)
      return
    case 'failed':
      await noteFailure(tried, verdict)
  }
}

function storyOf({ story }: Case, { strategy }: PlanInput): string {
  const over = story.over.length === 0 ? '' : `, ${story.over.join(' and ')} over HTTP`
  const { source, target } = story.shapes
  const shapes = source === target && source === 'column' ? '' : `, ${source} to ${target}`
  return `${story.kind} ${strategy}, ${story.role}${over}${shapes}`
}

async function noteFailure(
  { outcome, kase, ground, options, tell }: Tried,
  { fault, plan }: Extract<Verdict, { kind: 'failed' }>,
): Promise<void> {
  const known = outcome.found.find((found) => found.fault.what === fault.what)
  if (known) {
    known.times += 1
    return
  }
  tell(`case ${kase.number}: ${fault.what}; making it smaller`)
  for (const line of fault.details) tell(`  ${line}`)
  let last = { fault, plan }
  const smallest = await shrink(kase, {
    untilMs: performance.now() + 180_000,
    triesMax: options.triesMax,
    async fails(smaller) {
      const verdict = await tryCase(smaller, ground, options.plant)
      if (verdict.kind !== 'failed' || verdict.fault.what !== fault.what) return false
      last = verdict
      return true
    },
  })
  outcome.found.push({ number: kase.number, smallest, times: 1, ...last })
}
