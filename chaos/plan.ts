/**
 * The plans of the chaos: there and back between two databases of one data model, by each strategy.
 *
 * Times are short, so that leases lapse and attempts are used up within a minute; `pause.budgetMs`
 * is how long a fence may be held by a mover that lives.
 */
import { postgres } from '../src/plan/endpoint.ts'
import { definePlan, type PlanInput, table } from '../src/plan/plan.ts'
import { sql } from '../src/plan/sql-text.ts'
import type { Ends } from './tenants.ts'

export const leaseMs = 3_000
export const budgetMs = 4_000

type Strategy = 'offline' | 'online'
export const strategies = ['offline', 'online', 'mixed'] as const
/** The strategy of the moves: `mixed` is both. */
export type ChosenStrategy = (typeof strategies)[number]

function planOf(name: string, strategy: Strategy, urls: Ends<string>): PlanInput {
  return definePlan({
    ...{ name: `${name}-${strategy}`, strategy },
    source: postgres({ urlFrom: urls.source }),
    target: postgres({ urlFrom: urls.target }),
    tenants: sql`select id from tenants where not bystander order by id`,
    tables: [
      table('tenants', { tenant: 'id' }),
      table('entries'),
      table('entry_tags', { through: 'entry_id' }),
      table('counters'),
      table('visits'),
    ],
    chunkRows: 150,
    attempts: 4,
    backoffMs: 50,
    concurrency: 3,
    fence: { leaseMs, drainMs: 2_000, retryAfterS: 1 },
    pause: { budgetMs },
    ...(strategy === 'online' && { rollback: { windowMs: 600_000, auditEveryMs: 2_000 } }),
  })
}

/** Those that begin at each end. */
export function plansOf(chosen: ChosenStrategy): Ends<readonly PlanInput[]> {
  const each: readonly Strategy[] = chosen === 'mixed' ? ['offline', 'online'] : [chosen]
  const [there, back] = [
    { source: 'SOURCE_URL', target: 'TARGET_URL' },
    { source: 'TARGET_URL', target: 'SOURCE_URL' },
  ]
  return {
    source: each.map((strategy) => planOf('forward', strategy, there)),
    target: each.map((strategy) => planOf('backward', strategy, back)),
  }
}
