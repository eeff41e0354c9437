/**
 * Does the write stop work? One tenant is fenced for a moment, as a move does it, and every
 * instance of the application is made to write for it. What tells is the database: none of the
 * tenant's rows may have changed. Writes before and after show that each of them does write.
 */
import { randomUUID } from 'node:crypto'
import { now, round } from '../clock.ts'
import type { Control } from '../control/database.ts'
import { nextTurn } from '../control/moves.ts'
import { type End, holdAt, rowsOf } from '../endpoints/ends.ts'
import type { Hold } from '../endpoints/flags.ts'
import type { ComparedColumn } from '../endpoints/rows.ts'
import { digestText } from '../endpoints/sql/digest.ts'
import { messageOf, RehomeError } from '../errors.ts'
import type { Plan } from '../plan/plan.ts'
import type { EndTable } from '../plan/route.ts'
import { ident } from '../quote.ts'
import { refuseFindings } from '../stages/preflight.ts'
import type { Ends } from '../stages/shard.ts'
import { type Survey, survey } from '../stages/survey.ts'
import { refuseBusy } from './enqueue.ts'
import { show, tenantsOf } from './tenants.ts'

/** What became of one write. */
export interface Tried {
  /** As the instance answered it. */
  readonly accepted: boolean
  /** Whoever wrote was told that the tenant is read-only, and not of an error. */
  readonly polite: boolean
  /** e.g. `201`, `503 read-only`, `no answer within 10000 ms`. */
  readonly answer: string
  readonly ms: number
}

export interface CanaryResult {
  readonly instance: string
  readonly before: Tried
  readonly fenced: Tried
  readonly after: Tried
}

export interface CanaryOptions {
  readonly tenant: string
  /** At least one. */
  readonly instances: readonly string[]
  /** For how long an instance may keep a write waiting, in ms. */
  readonly answerMs: number
  /** Writes for the tenant by way of the instance. Rejects where that cannot be tried. */
  write(tried: CanaryWrite): Promise<Pick<Tried, 'accepted' | 'polite' | 'answer'>>
}

export interface CanaryWrite {
  readonly instance: string
  readonly tenant: string
  readonly signal: AbortSignal
}

/**
 * Throws WRITE_NOT_REFUSED where an instance has written, or has said so; USAGE where one writes
 * nothing without a fence either; and what a move would throw before and while it fences. Whatever
 * happens, the tenant can be written again at once, or when the lease has lapsed.
 */
export async function canary(
  { control }: { readonly control: Control },
  { plan, ends }: { readonly plan: Plan; readonly ends: Ends },
  options: CanaryOptions,
): Promise<CanaryResult[]> {
  const surveyed = await survey(plan, ends)
  refuseFindings({ survey: surveyed })
  const [tenant = ''] = await tenantsOf(plan, ends, { survey: surveyed, only: [options.tenant] })
  await refuseBusy(control, plan, [tenant])
  const home = await homeOf({ plan, ends, survey: surveyed }, tenant)
  const before = await tryEach(options, 'before')
  const fenced = await whileFenced(control, { plan, tenant, home }, () => tryFenced(options, home))
  const after = await tryEach(options, 'after')
  const results = options.instances.map((instance, i) => {
    const [first, second, third] = [before[i], fenced.tried[i], after[i]] as Tried[]
    return { instance, before: first, fenced: second, after: third } as CanaryResult
  })
  refuseLeaks(results, fenced.changed)
  return results
}

interface Home {
  readonly end: End
  readonly tables: readonly EndTable[]
  /** The tenant's rows there: equal texts for equal rows. */
  content(): Promise<string[]>
}

async function homeOf(
  { plan, ends, survey }: { plan: Plan; ends: Ends; survey: Survey },
  tenant: string,
): Promise<Home> {
  const key = { scope: plan.scope, tenant }
  const moved = (await ends.source.flags.readFlag(key))?.mode === 'moved'
  const [end, tables] = moved ? [ends.target, survey.targets] : [ends.source, survey.sources]
  const digest = async ({ table, path }: EndTable): Promise<string> => {
    const columns = table.columns.map(({ name, typeSql }): ComparedColumn => {
      return { sql: `r.${ident(name)}`, from: name, typeSql, cast: null }
    })
    const of = { ...holdAt(end, key), table, path }
    const side = rowsOf(end).side({ of, key: columns, columns, hash: survey.hash })
    return `"${table.name}": ${digestText(await side.digest())}`
  }
  const content = () => Promise.all(tables.map(digest))
  return { end, tables, content }
}

async function tryEach(options: CanaryOptions, when: string): Promise<Tried[]> {
  const tried = await Promise.all(options.instances.map((one) => tryOne(options, one)))
  const wrong = tried.findIndex(({ accepted }) => !accepted)
  if (wrong < 0) return tried
  const message = `${options.instances[wrong]} does not take the write ${when} the fence either (${tried[wrong]?.answer}): a refusal would tell nothing`
  throw new RehomeError('USAGE', message)
}

async function tryOne(options: CanaryOptions, instance: string): Promise<Tried> {
  const { tenant, answerMs } = options
  const start = now()
  const signal = AbortSignal.timeout(answerMs)
  const answered = await options.write({ instance, tenant, signal }).catch((error: unknown) => {
    const answer = signal.aborted ? `no answer within ${answerMs} ms` : messageOf(error)
    return { accepted: false, polite: false, answer }
  })
  return { ...answered, ms: round(now() - start) }
}

async function tryFenced(
  options: CanaryOptions,
  home: Home,
): Promise<{ tried: Tried[]; changed: string[] }> {
  const before = await home.content()
  const tried = await Promise.all(options.instances.map((one) => tryOne(options, one)))
  const after = await home.content()
  const changed = home.tables.flatMap(({ table }, i) =>
    before[i] === after[i] ? [] : [`"${table.name}"`],
  )
  return { tried, changed }
}

interface Fencing {
  readonly plan: Plan
  readonly tenant: string
  readonly home: Home
}

/** Fenced as by an attempt of its own, whose lease is renewed until the work is done. */
async function whileFenced<T>(
  control: Control,
  { plan, tenant, home: { end } }: Fencing,
  work: () => Promise<T>,
): Promise<T> {
  const hold: Hold = { scope: plan.scope, tenant, token: randomUUID() }
  const { leaseMs, drainMs, retryAfterS } = plan.fence
  await end.flags.takeTurn({ ...hold, turn: await nextTurn(control) })
  const as = { epoch: randomUUID(), moveId: randomUUID(), reason: 'trying the write stop' }
  try {
    const raised = await end.flags.raiseFence({ ...hold, ...as, retryAfterS, leaseMs })
    if (!raised) throw await heldFor(end, hold)
    const renew = () => end.flags.renewLease({ ...hold, leaseMs }).catch(() => false)
    const timer = setInterval(renew, leaseMs / 3)
    try {
      await rowsOf(end).drain({ tenant, drainMs, signal: AbortSignal.timeout(drainMs * 2) })
      return await work()
    } finally {
      clearInterval(timer)
    }
  } finally {
    await end.flags.lowerFence(hold)
  }
}

async function heldFor(end: End, hold: Hold): Promise<RehomeError> {
  const flag = await end.flags.readFlag(hold)
  const message = `tenant ${show(hold.tenant)} is ${flag?.mode ?? 'fenced'} at the ${end.name} by move ${flag?.moveId ?? '?'}: try another tenant`
  return new RehomeError('FENCE_HELD', message)
}

function refuseLeaks(results: readonly CanaryResult[], changed: readonly string[]): void {
  const leaks = results.filter(({ fenced }) => fenced.accepted)
  if (leaks.length === 0 && changed.length === 0) return
  const told = leaks.map(({ instance, fenced }) => `${instance} took the write (${fenced.answer})`)
  const rows = changed.length > 0 ? [`rows have changed in ${changed.join(', ')}`] : []
  const message = `while the tenant was fenced ${[...told, ...rows].join('; ')}: is there another database behind it, or a table without a guard?`
  throw new RehomeError('WRITE_NOT_REFUSED', message, { data: { results, changed } })
}
