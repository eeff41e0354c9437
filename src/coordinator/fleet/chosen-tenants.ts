/** The tenants that a new run takes, in the order in which they are to begin. */
import type { Control, Move } from '../../control/database.ts'
import type {
  Candidate,
  CandidateOrder,
  Candidates,
  Chosen,
} from '../../control/fleet/candidates.ts'
import { departedTenants } from '../../control/homes.ts'
import { busyTenants } from '../../control/moves.ts'
import { placeOfTenant } from '../../ends/end.ts'
import { RehomeError } from '../../errors.ts'
import { inPages } from '../../parallel.ts'
import type { Plan } from '../../plan/plan.ts'
import { type Choice, percentileOf, refuseEmptyShare } from '../choose.ts'
import { judgeByFacts } from '../tenant-facts.ts'
import { listedPages, pageSize, queriedPages, refuseBadId, show, writtenAs } from '../tenants.ts'
import { asWritten, type Naming, refuseUnknownNames, waveNameFindings } from '../wave-names.ts'

/** Tenants that the source is no home of any longer, and those that another run is busy with. */
export interface PassedOver {
  readonly moved: number
  readonly busy: number
}

export interface ChosenOptions extends Choice {
  /** Some of the plan's tenants; a million of them may be streamed. Default: all. */
  readonly tenants?: readonly string[] | AsyncIterable<string> | undefined
}

export interface ChosenTenants {
  /** Reads them in the order in which they begin, as often as it is called. */
  readonly walk: () => AsyncGenerator<readonly Chosen[]>
  readonly passedOver: PassedOver
}

interface Choosing {
  readonly control: Control
  readonly candidates: Candidates
  readonly planned: Naming
  readonly options: ChosenOptions
}

type Busy = Pick<Move, 'tenant_id' | 'run_id'>

/**
 * Tenants that have moved are passed over. So are busy ones, unless they are asked for by name or
 * no other tenant is left: then it throws TENANT_BUSY.
 */
export async function chooseTenants(at: Choosing): Promise<ChosenTenants> {
  const { candidates, planned, options } = at
  const { tenants, percent, where, limit } = options
  const firstBusy = await (tenants ? gatherNamed(at, tenants) : gatherListed(at))
  await candidates.analyze()
  await nameWaves(at)
  const { all, least, here, moved, busy } = await candidates.narrow(percent ?? 100)
  if (all === 0) throw new RehomeError('TENANT_UNKNOWN', 'the plan has no tenant')
  refuseEmptyShare(options, { all, chosen: here + moved + busy, least })
  if (firstBusy && (tenants || here === 0)) throw busyWith(firstBusy)
  const narrows = tenants ?? percent ?? where
  const refusesUnknown = narrows === undefined && moved + busy === 0
  await judgeByFacts(candidates, planned, { where, refusesUnknown })
  const order = await inPlanOrder(at)
  return { passedOver: { moved, busy }, walk: () => candidates.walk(order, limit) }
}

/** All tenants of the plan. Returns the first that a run is busy with. */
async function gatherListed(at: Choosing): Promise<Busy | null> {
  let firstBusy: Busy | null = null
  for await (const page of listedPages(at.planned.plan, at.planned.ends)) {
    const busy = await addPage(at, page, { isListed: true })
    firstBusy ??= busy
  }
  return firstBusy
}

/** Those that are named, each of which has to be one of the plan's. */
async function gatherNamed(
  at: Choosing,
  tenants: NonNullable<ChosenOptions['tenants']>,
): Promise<Busy | null> {
  const { candidates, planned } = at
  let firstBusy: Busy | null = null
  for await (const page of inPages(tenants, pageSize)) {
    const busy = await addPage(at, page, { isListed: false })
    firstBusy ??= busy
  }
  await candidates.analyze()
  for await (const page of listedPages(planned.plan, planned.ends)) {
    await candidates.list([...(await writtenAs(planned, page)).tenants])
  }
  const unknown = await candidates.firstUnlisted()
  if (unknown === null) return firstBusy
  const message = `tenant ${show(unknown)} is none of the plan's tenants`
  throw new RehomeError('TENANT_UNKNOWN', message)
}

/** Throws TENANT_ID_INVALID, or TENANT_UNKNOWN for one of which the source has no row. */
async function addPage(
  { control, candidates, planned, options }: Choosing,
  page: readonly string[],
  how: { readonly isListed: boolean },
): Promise<Busy | null> {
  for (const tenant of page) refuseBadId(tenant)
  const { tenants: written, rowless } = await writtenAs(planned, page)
  const tenants = [...written]
  const departed = new Set(await departedFrom(control, planned)(tenants))
  const here = tenants.filter((tenant) => !departed.has(tenant))
  const lost = here.find((tenant) => rowless.has(tenant))
  if (lost !== undefined) {
    throw new RehomeError('TENANT_UNKNOWN', `the source has no row of tenant ${show(lost)}`)
  }
  const { scope, targetScope } = planned.plan
  const share = here.filter((tenant) => percentileOf(tenant) < (options.percent ?? 100))
  const open = await busyTenants(control, [scope, targetScope], share)
  const busy = new Set(open.map(({ tenant_id: tenant }) => tenant))
  const stateOf = (tenant: string): Candidate['state'] => {
    if (departed.has(tenant)) return 'moved'
    return busy.has(tenant) ? 'busy' : 'here'
  }
  const some = tenants.map((tenant) => {
    return { tenant, state: stateOf(tenant), percentile: percentileOf(tenant) }
  })
  await candidates.add(some, how)
  return open[0] ?? null
}

/** Where tenants are asked for by name, other names of the plan's waves are not checked. */
async function nameWaves({ control, candidates, planned, options }: Choosing): Promise<void> {
  const findings = await waveNameFindings(planned, {
    unlistedOf: (tenants) => candidates.unlistedOf(tenants),
    departed: departedFrom(control, planned),
    onNamed: (wave, tenants) => candidates.name(wave, tenants),
  })
  if (!options.tenants) refuseUnknownNames(findings)
}

/** Throws PLAN_INVALID for a wrong query. */
async function inPlanOrder({ candidates, planned }: Choosing): Promise<CandidateOrder> {
  const { order } = planned.plan
  if (!order) return 'listed'
  if ('by' in order) return order.descending ? 'falling' : 'rising'
  let first = 0
  for await (const page of queriedPages(planned.ends, order, 'order')) {
    await candidates.place(first, await asWritten(planned, page))
    first += page.length
  }
  return 'places'
}

/** Asks which of the tenants have left the source of the plan. */
export function departedFrom(control: Control, { plan, ends }: Pick<Naming, 'plan' | 'ends'>) {
  const { scope, targetScope } = plan
  return async (tenants: readonly string[]) => {
    const homes = tenants.map((tenant) => ({ tenant, place: placeOfTenant(ends.source, tenant) }))
    // The plan may choose the same end for both.
    const settled = homes
      .filter(({ tenant, place }) => place === placeOfTenant(ends.target, tenant))
      .map(({ tenant }) => tenant)
    const departed = await departedTenants(control, scope, homes)
    return scope === targetScope ? [...departed, ...settled] : departed
  }
}

/** Throws TENANT_BUSY. */
export async function refuseBusy(
  control: Control,
  plan: Plan,
  tenants: readonly string[],
): Promise<void> {
  const [busy] = await busyTenants(control, [plan.scope, plan.targetScope], tenants)
  if (busy) throw busyWith(busy)
}

function busyWith(busy: Busy): RehomeError {
  const message = `tenant ${show(busy.tenant_id)} is being moved by run ${busy.run_id}: wait for its end`
  return new RehomeError('TENANT_BUSY', message)
}
