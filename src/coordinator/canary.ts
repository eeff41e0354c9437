/**
 * Does the write stop work? One tenant is fenced for a moment, as a move does it, and every
 * instance of the application is made to write for it. What tells is the database: none of the
 * tenant's rows may have changed. Writes before and after show that each of them does write.
 */

import { randomUUID } from 'node:crypto'
import { type Survey, survey } from '../checks/survey.ts'
import { now, round, sleep } from '../clock.ts'
import type { Control } from '../control/database.ts'
import { nextTurn } from '../control/turn-numbers.ts'
import { digestText } from '../ends/digest.ts'
import type { End, Ends, PlanEnds } from '../ends/end.ts'
import { digestsOf, endsOf } from '../ends/end.ts'
import type { FlagKey, Hold } from '../ends/flags.ts'
import { missingGuards } from '../ends/postgres/fence/guard-sql.ts'
import { scoped } from '../ends/postgres/postgres-end.ts'
import type { ComparedColumn } from '../ends/rows.ts'
import { messageOf, RehomeError } from '../errors.ts'
import { itemAt } from '../known.ts'
import type { Plan } from '../plan/plan.ts'
import type { EndTable } from '../plan/routing/route.ts'
import { ident } from '../quote.ts'
import { refuseFindings } from '../stages/preflight.ts'
import { plannedSources } from './enqueue.ts'
import { refuseBusy } from './fleet/chosen-tenants.ts'
import { show, tenantsOf } from './tenants.ts'

/** The result of one write. */
export interface Tried {
  /** The instance's own answer: it accepted the write. */
  readonly accepted: boolean
  /** The answer is that the tenant is read-only, instead of an error. */
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
 * Throws WRITE_NOT_REFUSED where an instance has written, or has answered so; USAGE where one
 * writes nothing without a fence either; and what a move would throw before and while it fences.
 * Whatever happens, the tenant can be written again at once, or when the lease has lapsed.
 */
export async function canary(
  { control }: { readonly control: Control },
  { plan, ends }: { readonly plan: Plan; readonly ends: PlanEnds },
  options: CanaryOptions,
): Promise<CanaryResult[]> {
  const sources = await plannedSources(plan, ends)
  const { here } = await tenantsOf(plan, ends, { sources, only: [options.tenant] })
  const [tenant = ''] = here
  const own = endsOf(ends, tenant)
  const surveyed = await survey(plan, own)
  refuseFindings({ survey: surveyed })
  refuseMissing(surveyed)
  await refuseBusy(control, plan, [tenant])
  const home = await homeOf({ plan, ends: own, survey: surveyed }, tenant)
  const before = await tryEach(options, home)
  const fenced = await whileFenced(control, { plan, tenant, home }, () => tryFenced(options, home))
  refuseLeaks(options.instances, fenced)
  const after = await tryEach(options, home)
  return options.instances.map((instance, i) => {
    const at = (tries: readonly Tried[]) => itemAt(tries, i)
    return { instance, before: at(before), fenced: at(fenced.tried), after: at(after) }
  })
}

/** Guards that stand only while tenants move are not installed for a canary. */
function refuseMissing({ guarded }: Survey): void {
  const open = guarded.find((one) => missingGuards(one).length > 0)
  if (!open) return
  const message = `table "${open.table.name}" at the ${open.end.name} has no guard while no tenant moves: run \`rehome init PLAN --guards\` first`
  throw new RehomeError('NOT_INSTALLED', message)
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
  const atSource = await ends.source.flags.readFlag(key)
  const moved = atSource?.mode === 'moved'
  const [end, tables] = moved ? [ends.target, survey.targets] : [ends.source, survey.sources]
  const flag = moved ? await end.flags.readFlag(key) : atSource
  if (flag && !flag.lapsed) throw await heldFor(end, key)
  const digest = async ({ table, path }: EndTable): Promise<string> => {
    const columns = table.columns.map(({ name, typeSql }): ComparedColumn => {
      return { sql: `r.${ident(name)}`, from: name, typeSql, cast: null }
    })
    const of = { ...(end.sql ? scoped(end.sql, key) : key), table, path }
    const compared = { of, key: columns, columns, hash: survey.hash }
    return `"${table.name}": ${digestText(await digestsOf(end).side(compared).digest())}`
  }
  const content = () => Promise.all(tables.map(digest))
  return { end, tables, content }
}

/** One after the other, without a fence: each of them has to change rows of the tenant. */
async function tryEach(options: CanaryOptions, home: Home): Promise<Tried[]> {
  const tried: Tried[] = []
  for (const instance of options.instances) {
    const before = await home.content()
    const one = await tryUntilOpen(options, instance)
    const isWritten = String(before) !== String(await home.content())
    if (!one.accepted || !isWritten) throw wouldTellNothing(home.end, instance, one)
    tried.push(one)
  }
  return tried
}

const knownForMs = 5_000

/** Retries for a moment: an instance may remember the fence for longer than it stands. */
async function tryUntilOpen(options: CanaryOptions, instance: string): Promise<Tried> {
  const deadline = now() + knownForMs
  for (;;) {
    const tried = await tryOne(options, instance)
    if (tried.accepted || !tried.polite || now() > deadline) return tried
    await sleep(250)
  }
}

function wouldTellNothing(end: End, instance: string, { accepted, answer }: Tried): RehomeError {
  if (!accepted) {
    const message = `${instance} refuses the write even without a fence (${answer}): a refusal would prove nothing`
    return new RehomeError('USAGE', message)
  }
  const message = `${instance} answered that it has written (${answer}), but no row of the tenant has changed at the ${end.name} (${end.place}): is there another database behind it?`
  return new RehomeError('WRITE_NOT_REFUSED', message)
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

interface Fenced {
  readonly tried: readonly Tried[]
  /** Tables with rows of the tenant that have. */
  readonly changed: readonly string[]
}

async function tryFenced(options: CanaryOptions, home: Home): Promise<Fenced> {
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
    const renew = () => end.flags.renewLease({ ...hold, leaseMs })
    const timer = setInterval(() => renew().catch(() => {}), leaseMs / 3)
    try {
      await end.rows.drain({ tenant, drainMs, signal: AbortSignal.timeout(drainMs * 2) })
      const done = await work()
      if (await renew()) return done
      throw new RehomeError('FENCE_LOST', 'the fence has lapsed meanwhile: the test proves nothing')
    } finally {
      clearInterval(timer)
    }
  } finally {
    await end.flags.lowerFence(hold)
  }
}

async function heldFor(end: End, hold: FlagKey): Promise<RehomeError> {
  const flag = await end.flags.readFlag(hold)
  const message = `tenant ${show(hold.tenant)} is ${flag?.mode ?? 'fenced'} at the ${end.name} by move ${flag?.moveId ?? '?'}: try another tenant`
  return new RehomeError('FENCE_HELD', message)
}

function refuseLeaks(instances: readonly string[], { tried, changed }: Fenced): void {
  const leaks = tried.flatMap(({ accepted, answer }, i) =>
    accepted ? [`${instances[i]} took the write (${answer})`] : [],
  )
  if (leaks.length === 0 && changed.length === 0) return
  const rows = changed.length > 0 ? [`rows have changed in ${changed.join(', ')}`] : []
  const message = `while the tenant was fenced ${[...leaks, ...rows].join('; ')}: is there another database behind it, or a table without a guard?`
  throw new RehomeError('WRITE_NOT_REFUSED', message, { data: { tried, changed } })
}
