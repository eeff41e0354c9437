/** Named queries on runs. */
import { sql } from 'kysely'
import type { Errand } from '../errands.ts'
import type { Phase } from '../phases.ts'
import type { Control, NewRun, Run } from './database.ts'
import { refuseBusyTenants } from './openings.ts'

export interface NewMove {
  readonly id: string
  readonly tenant: string
  /** Default 1. */
  readonly wave?: number | undefined
}

export interface NewMoves {
  readonly moves: readonly NewMove[]
  readonly errand: Errand
  readonly targetScope: string
}

/** The run and all its moves appear together or not at all. Throws TENANT_BUSY. */
export async function insertRun(
  control: Control,
  run: NewRun,
  { moves, ...common }: NewMoves,
): Promise<void> {
  await control.db.transaction().execute(async (tx) => {
    const scopes = [run.scope, common.targetScope]
    const tenants = moves.map(({ tenant }) => tenant)
    await refuseBusyTenants({ db: tx }, { scopes, tenants })
    await tx.insertInto('runs').values(run).execute()
    for (let i = 0; i < moves.length; i += 1000) {
      const rows = moves.slice(i, i + 1000).map(({ id, tenant, wave = 1 }) => ({
        id,
        run_id: run.id,
        scope: run.scope,
        tenant_id: tenant,
        errand: common.errand,
        wave,
        target_scope: common.targetScope,
      }))
      await tx.insertInto('moves').values(rows).execute()
    }
  })
}

export async function findRun(control: Control, id: string): Promise<Run | undefined> {
  const query = control.db.selectFrom('runs').selectAll().where('id', '=', id)
  return await query.executeTakeFirst()
}

export interface RunSummary extends Run {
  readonly moves: number
  readonly open: number
  readonly phases: Partial<Record<Phase, number>>
}

export interface RunsQuery {
  /** The run whose predecessors are listed. Default: from the newest on. */
  readonly before?: string | undefined
  /** Default 100. */
  readonly limit?: number | undefined
}

/** Newest first. */
export async function listRuns(
  control: Control,
  { before, limit = 100 }: RunsQuery = {},
): Promise<RunSummary[]> {
  let query = control.db.selectFrom('runs').selectAll()
  if (before !== undefined) {
    query = query.where(sql<boolean>`(created_at, id) < (select r.created_at, r.id
      from rehome_control.runs r where r.id = ${before})`)
  }
  const runs = await query
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  const ids = runs.map((run) => run.id)
  if (ids.length === 0) return []
  const counts = await control.db
    .selectFrom('moves')
    .select(['run_id', 'phase', sql<number>`count(*)::int`.as('moves')])
    .select(sql<number>`count(*) filter (where open)::int`.as('open'))
    .where('run_id', 'in', ids)
    .groupBy(['run_id', 'phase'])
    .execute()
  return runs.map((run) => {
    const own = counts.filter((count) => count.run_id === run.id)
    return {
      ...run,
      moves: own.reduce((sum, count) => sum + count.moves, 0),
      open: own.reduce((sum, count) => sum + count.open, 0),
      phases: Object.fromEntries(own.map((count) => [count.phase, count.moves])),
    }
  })
}
