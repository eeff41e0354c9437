/**
 * Where a tenant lives: by the flags of all ends of some plans, beginning where the control
 * database has seen it last. Reads only.
 */
import type { Control } from '../../control/database.ts'
import { type LastMove, lastMoveOf, movedTenants } from '../../control/homes.ts'
import { type End, endOf, failedAt, type PlanEnd, type PlanEnds } from '../../ends/end.ts'
import { type Flag, wholeApplication } from '../../ends/flags.ts'
import { ifPlaced } from '../../ends/placing.ts'
import { unlessGone } from '../../ends/postgres/tenant-schemas.ts'
import { RehomeError } from '../../errors.ts'
import { inParallel } from '../../parallel.ts'
import { checkPlan } from '../../plan/check-plan.ts'
import type { Plan, PlanInput } from '../../plan/plan.ts'
import { closeEnds, openEnds, openNamedEnds } from '../installation.ts'
import { listedByPlace, refuseBadId } from '../tenants.ts'

export interface Whereabouts {
  readonly tenant: string
  /** null: the flags lead to no end of the plans. */
  readonly home: string | null
  readonly writes: 'accepted' | 'refused'
  /** One sentence, where writes are refused or there is no home; else null. */
  readonly reason: string | null
  /** Its last move that the control database knows. */
  readonly move: LastMove | null
  readonly ends: readonly Standing[]
}

/** How one end stands to the tenant. */
export interface Standing {
  readonly place: string
  /** null: nothing keeps it from writing there, whether it lives there or not. */
  readonly mode: Flag['mode'] | null
  readonly movedTo: string | null
  /** The fence's lease is over: the next write opens it. */
  readonly lapsed: boolean
  /** The whole application is read-only there. */
  readonly readOnly: boolean
}

interface At {
  readonly control: Control
  readonly environment: NodeJS.ProcessEnv
}

/** Throws USAGE without a plan or with several scopes, SETTING_MISSING, and what the ends throw. */
export async function where(
  at: At,
  inputs: readonly PlanInput[],
  tenant: string,
): Promise<Whereabouts> {
  refuseBadId(tenant)
  const opened = openAll(at, inputs)
  try {
    return await lookFor(at.control, opened, tenant)
  } finally {
    await closeAll(opened)
  }
}

/** Tenants that are looked for at once. */
const tenantsAtOnce = 4
const { signal } = new AbortController()

/** All tenants that the plans list, or have moved, in the order of their ids. Throws as `where`. */
export async function whereAll(
  at: At,
  inputs: readonly PlanInput[],
  each: (whereabouts: Whereabouts) => void,
): Promise<void> {
  const opened = openAll(at, inputs)
  try {
    const tenants = new Set(
      await movedTenants(
        at.control,
        opened.map(({ plan }) => plan.name),
      ),
    )
    for (const { plan, ends } of opened) {
      for (const tenant of await listedByPlace(plan, ends)) tenants.add(tenant)
    }
    const sorted = [...tenants].sort()
    const looks = new Map<string, Whereabouts>()
    let next = 0
    await inParallel(sorted, { limit: tenantsAtOnce, signal }, async (tenant) => {
      looks.set(tenant, await lookFor(at.control, opened, tenant))
      for (let look = looks.get(sorted[next] ?? ''); look; look = looks.get(sorted[next] ?? '')) {
        each(look)
        looks.delete(look.tenant)
        next += 1
      }
    })
  } finally {
    await closeAll(opened)
  }
}

interface OpenedPlan {
  readonly plan: Plan
  readonly ends: PlanEnds
  /** All ends that the plan lists by name. */
  readonly named: ReadonlyMap<string, PlanEnd>
}

function openAll({ environment }: At, inputs: readonly PlanInput[]): OpenedPlan[] {
  const plans = inputs.map(checkPlan)
  if (plans.length === 0) {
    throw new RehomeError('USAGE', 'name the plans whose ends are asked, or set REHOME_PLANS')
  }
  const scopes = new Set(plans.map(({ scope }) => scope))
  if (scopes.size > 1) {
    const names = [...scopes].map((scope) => JSON.stringify(scope)).join(', ')
    const message = `the plans have scopes ${names}: a tenant has a home in each, so name plans of one`
    throw new RehomeError('USAGE', message)
  }
  return plans.map((plan) => {
    const ends = openEnds(plan, environment)
    return { plan, ends, named: openNamedEnds(plan, environment) }
  })
}

async function closeAll(opened: readonly OpenedPlan[]): Promise<void> {
  const named = opened.flatMap((one) => [...one.named.values()])
  const closing = [...opened.map(({ ends }) => closeEnds(ends)), ...named.map((end) => end.close())]
  await Promise.all(closing)
}

async function lookFor(
  control: Control,
  opened: readonly OpenedPlan[],
  tenant: string,
): Promise<Whereabouts> {
  const ends = new Map<string, Standing>()
  const unplaced: string[] = []
  const at = (end: PlanEnd) => ifPlaced(() => [endOf(end, tenant)], unplaced) ?? []
  const plans = opened.map((one) => ({ ...one, source: at(one.ends.source) }))
  const isPlaced = ({ source }: { source: readonly End[] }) => source.length > 0
  // A tenant that has not moved is at the first source that a plan has for it.
  const inOrder = [...plans.filter(isPlaced), ...plans.filter((one) => !isPlaced(one))]
  for (const { plan, ends: both, source, named } of inOrder) {
    const own = [...source, ...[both.target, ...named.values()].flatMap(at)]
    const unseen = new Map(own.map((end) => [end.place, end] as const))
    for (const place of ends.keys()) unseen.delete(place)
    const looks = [...unseen.values()].map((end) => standingAt(end, plan, tenant))
    for (const standing of await Promise.all(looks)) {
      if (standing) ends.set(standing.place, standing)
    }
  }
  const move = await lastMoveOf(control, tenant, [...ends.keys()])
  const isKnown = plans.some(isPlaced) || (move?.home !== undefined && ends.has(`${move.home}`))
  const [reason = ''] = unplaced
  if (!isKnown) {
    return { tenant, move, home: null, writes: 'refused', reason, ends: [...ends.values()] }
  }
  return { tenant, move, ...homeAmong([...ends.values()], move), ends: [...ends.values()] }
}

/** null: the tenant has no database there. */
async function standingAt(end: End, { scope }: Plan, tenant: string): Promise<Standing | null> {
  const read = (id: string) => end.flags.readFlag({ scope, tenant: id })
  const flags = Promise.all([read(tenant), read(wholeApplication)])
  const answer = await flags.catch(unlessGone).catch(failedAt(end))
  if (!answer) return null
  const [flag, all] = answer
  return {
    place: end.place,
    mode: flag?.mode ?? null,
    movedTo: flag?.movedTo ?? null,
    lapsed: flag?.lapsed ?? false,
    readOnly: all !== null && !all.lapsed,
  }
}

/**
 * Begins where its last move has left it, else at the first end, and goes on where flags say that
 * it has moved. Pure.
 */
export function homeAmong(
  ends: readonly Standing[],
  move: Pick<LastMove, 'home'> | null,
): Pick<Whereabouts, 'home' | 'writes' | 'reason'> {
  const visited = new Set<Standing>()
  let at = ends.find(({ place }) => place === move?.home) ?? ends[0]
  while (at?.mode === 'moved') {
    visited.add(at)
    const { movedTo, place } = at
    at = ends.find((end) => end.place === movedTo)
    const lost = !at || visited.has(at)
    if (!lost) continue
    const more = at ? 'which it has left, too' : 'which is no end of these plans'
    const reason = `the flag at ${place} has it moved to ${movedTo}, ${more}`
    return { home: null, writes: 'refused', reason }
  }
  if (!at) return { home: null, writes: 'refused', reason: 'the plans have no end' }
  const reason = reasonAt(at)
  return { home: at.place, writes: reason === null ? 'accepted' : 'refused', reason }
}

function reasonAt({ mode, lapsed, readOnly }: Standing): string | null {
  if (readOnly) return 'the whole application is read-only there'
  if (mode === 'receiving') return 'it is not open there yet, as its move is being completed'
  return mode === 'read_only' && !lapsed ? 'it is fenced, as it is being moved' : null
}
