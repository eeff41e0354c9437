/**
 * Where a tenant lives: by the flags of all ends of some plans, beginning where the control
 * database has seen it last. Reads only.
 */
import type { Control } from '../../control/database.ts'
import { type LastMove, lastMoveOf } from '../../control/homes.ts'
import { endOf, failedAt } from '../../ends/end.ts'
import { type Flag, wholeApplication } from '../../ends/flags.ts'
import { RehomeError } from '../../errors.ts'
import { checkPlan } from '../../plan/check-plan.ts'
import type { Plan, PlanInput } from '../../plan/plan.ts'
import { closeEnds, openEnds, openNamedEnds } from '../installation.ts'
import { refuseBadId } from '../tenants.ts'

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
  { control, environment }: At,
  inputs: readonly PlanInput[],
  tenant: string,
): Promise<Whereabouts> {
  refuseBadId(tenant)
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
  const ends = new Map<string, Standing>()
  for (const plan of plans) {
    for (const standing of await standingsAt(plan, environment, tenant)) {
      ends.set(standing.place, standing)
    }
  }
  const move = await lastMoveOf(control, tenant, [...ends.keys()])
  return { tenant, move, ...homeAmong([...ends.values()], move), ends: [...ends.values()] }
}

async function standingsAt(
  plan: Plan,
  environment: NodeJS.ProcessEnv,
  tenant: string,
): Promise<Standing[]> {
  const ends = openEnds(plan, environment)
  const named = openNamedEnds(plan, environment)
  try {
    const own = [ends.source, ends.target, ...named.values()]
    const places = new Map(own.map((one) => endOf(one, tenant)).map((end) => [end.place, end]))
    return await Promise.all(
      [...places.values()].map(async (end) => {
        const read = (id: string) => end.flags.readFlag({ scope: plan.scope, tenant: id })
        const [flag, all] = await Promise.all([read(tenant), read(wholeApplication)]).catch(
          failedAt(end),
        )
        return {
          place: end.place,
          mode: flag?.mode ?? null,
          movedTo: flag?.movedTo ?? null,
          lapsed: flag?.lapsed ?? false,
          readOnly: all !== null && !all.lapsed,
        }
      }),
    )
  } finally {
    await Promise.all([closeEnds(ends), ...[...named.values()].map((end) => end.close())])
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
