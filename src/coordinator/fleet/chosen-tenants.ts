/** The tenants that a new run takes, in the order in which they are to begin. */
import type { Control, Move } from '../../control/database.ts'
import { departedTenants } from '../../control/homes.ts'
import { busyTenants } from '../../control/moves.ts'
import { placeOfTenant } from '../../ends/end.ts'
import { RehomeError } from '../../errors.ts'
import type { FactsOfTenants } from '../../plan/facts.ts'
import type { Plan } from '../../plan/plan.ts'
import type { NamedWave } from '../../plan/waves.ts'
import { type Choice, withinShare } from '../choose.ts'
import { factsNeeded, factsWhere } from '../tenant-facts.ts'
import { inChunks, show, tenantsOf } from '../tenants.ts'
import { inPlanOrder, type Naming, refuseUnknownNames, wavesAsWritten } from '../wave-names.ts'

/** Tenants that the source is no home of any longer, and those that another run is busy with. */
export interface PassedOver {
  readonly moved: number
  readonly busy: number
}

export interface ChosenOptions extends Choice {
  /** Some of the plan's tenants. Default: all. */
  readonly tenants?: readonly string[] | undefined
}

export interface ChosenTenants {
  /** In the order in which they begin. */
  readonly tenants: readonly string[]
  /** Those about them. None where neither the plan nor the request is about facts. */
  readonly facts: FactsOfTenants
  readonly passedOver: PassedOver
  /** The plan's waves. */
  readonly named: readonly NamedWave[]
}

/**
 * Tenants that have moved are passed over. So are busy ones, unless they are asked for by name or
 * no other tenant is left: then it throws TENANT_BUSY.
 */
export async function chooseTenants(
  control: Control,
  planned: Naming,
  options: ChosenOptions,
): Promise<ChosenTenants> {
  const { plan, ends, sources } = planned
  const departed = departedFrom(control, planned)
  const { here, moved, listed } = await tenantsOf(plan, ends, {
    sources,
    only: options.tenants,
    departed,
  })
  const named = await wavesAsWritten(planned)
  // What else the plan names is no affair of those that are asked for.
  if (!options.tenants) await refuseUnknownNames(named, { listed, departed })
  if (here.length + moved.length === 0) {
    throw new RehomeError('TENANT_UNKNOWN', 'the plan has no tenant')
  }
  const share = withinShare([...here, ...moved], options, (tenant) => tenant)
  const away = new Set(moved)
  const there = share.filter((tenant) => !away.has(tenant))
  const scopes = [plan.scope, plan.targetScope]
  const open = await inChunks(there, (some) => busyTenants(control, scopes, some))
  const busy = new Set(open.map(({ tenant_id: tenant }) => tenant))
  const free = there.filter((tenant) => !busy.has(tenant))
  if (open[0] && (options.tenants || free.length === 0)) throw busyWith(open[0])
  const passedOver = { moved: share.length - there.length, busy: busy.size }
  const { where } = options
  const narrows = options.tenants ?? options.percent ?? where
  const refusesUnknown = narrows === undefined && passedOver.moved + passedOver.busy === 0
  const facts = await factsWhere(free, planned, {
    where,
    needed: factsNeeded(plan),
    refusesUnknown,
  })
  const ordered = await inPlanOrder(facts ? [...facts.keys()] : free, planned, facts ?? new Map())
  const tenants = ordered.slice(0, options.limit)
  const own = facts && new Map(tenants.map((tenant) => [tenant, facts.get(tenant) ?? {}]))
  return { tenants, facts: own ?? new Map(), passedOver, named }
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

function busyWith(busy: Pick<Move, 'tenant_id' | 'run_id'>): RehomeError {
  const message = `tenant ${show(busy.tenant_id)} is being moved by run ${busy.run_id}: wait for its end`
  return new RehomeError('TENANT_BUSY', message)
}
