/** Named queries on runs. */
import { sql } from 'kysely'
import type { Errand } from '../../errands.ts'
import { inPages } from '../../parallel.ts'
import type { Phase } from '../../phases.ts'
import type { Facts } from '../../plan/facts.ts'
import type { StoredWindow } from '../../plan/timing/windows.ts'
import type { Control, NewRun, Run } from '../database.ts'
import { openMoves, refuseBusyTenants } from '../openings.ts'
import { countsOf, type MoveCount } from './run-counts.ts'

export interface NewMove {
  /** Default: a new one. */
  readonly id?: string | undefined
  readonly tenant: string
  /** Default 1. */
  readonly wave?: number | undefined
  /** Moves of a wave begin in this order. Default 0. */
  readonly place?: number | undefined
  readonly hold?: Hold | undefined
  readonly facts?: Facts | undefined
  /** Its own ends, where they depend on the tenant. */
  readonly source?: string | undefined
  readonly target?: string | undefined
}

/** How a move is kept from its cutover, or from its start where the run is offline. */
export interface Hold {
  /** Until a person completes it. */
  readonly held: boolean
  readonly completeAfter: Date | null
  /** null: at any time. */
  readonly windows: readonly StoredWindow[] | null
}

export interface NewMoves {
  readonly moves: Iterable<NewMove> | AsyncIterable<NewMove>
  readonly errand: Errand
  readonly targetScope: string
  /** false: they wait for the feeder. Default true: the caller gives each its job. */
  readonly hasJob?: boolean | undefined
}

/** Moves of one statement. */
const pageSize = 5_000

/** The run and all its moves appear together or not at all. Throws TENANT_BUSY. */
export async function insertRun(
  control: Control,
  run: NewRun,
  { moves, ...common }: NewMoves,
): Promise<void> {
  await openMoves(control, async (tx) => {
    await tx.insertInto('runs').values(run).execute()
    for await (const some of inPages(moves, pageSize)) {
      const tenants = some.map(({ tenant }) => tenant)
      await refuseBusyTenants({ db: tx }, { scopes: [run.scope, common.targetScope], tenants })
      await insertMoves(some, { run, ...common }).execute(tx)
    }
  })
}

/** One statement for many, of one text: a value for each column would have to be parsed. */
function insertMoves(
  moves: readonly NewMove[],
  { run, errand, targetScope, hasJob = true }: Omit<NewMoves, 'moves'> & { readonly run: NewRun },
) {
  const completeAfter = moves.map(({ hold }) => hold?.completeAfter?.toISOString() ?? null)
  const windows = moves.map(({ hold }) => hold?.windows && JSON.stringify(hold.windows))
  return sql`
    insert into rehome_control.moves (id, run_id, scope, target_scope, errand, has_job, tenant_id,
      wave, place, held, complete_after, not_before, windows, facts, source, target)
    select coalesce(m.id, gen_random_uuid()), ${run.id}, ${run.scope}, ${targetScope}, ${errand},
      ${hasJob}::boolean, m.tenant, m.wave, m.place, m.held, m.complete_after,
      -- Offline nothing is done before that moment, so no look is due. Else all are due at once, so
      -- that their places alone order them.
      coalesce(case when ${run.strategy !== 'online'}::boolean then m.complete_after end, now()),
      m.windows, m.facts, m.source, m.target
    from unnest(${moves.map(({ id }) => id ?? null)}::uuid[],
      ${moves.map(({ tenant }) => tenant)}::text[],
      ${moves.map(({ wave = 1 }) => wave)}::int[],
      ${moves.map(({ place = 0 }) => place)}::int[],
      ${moves.map(({ hold }) => hold?.held ?? false)}::boolean[],
      ${completeAfter}::timestamptz[],
      ${windows}::jsonb[],
      ${moves.map(({ facts = {} }) => JSON.stringify(facts))}::jsonb[],
      ${moves.map(({ source }) => source ?? null)}::text[],
      ${moves.map(({ target }) => target ?? null)}::text[])
      as m (id, tenant, wave, place, held, complete_after, windows, facts, source, target)`
}

export async function findRun(control: Control, id: string): Promise<Run | undefined> {
  const query = control.db.selectFrom('runs').selectAll().where('id', '=', id)
  return await query.executeTakeFirst()
}

export async function findRunOfMove(control: Control, moveId: string): Promise<Run | undefined> {
  const query = control.db.selectFrom('runs').selectAll()
  return await query
    .where('id', '=', (of) =>
      of.selectFrom('moves').select('run_id').where('moves.id', '=', moveId),
    )
    .executeTakeFirst()
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
  const counts = await countsOf(control, ids)
  return runs.map((run) => {
    const own = counts.filter((count) => count.run_id === run.id)
    const phases: Partial<Record<Phase, number>> = {}
    for (const { phase, tenants } of own) phases[phase] = (phases[phase] ?? 0) + tenants
    const open = sumOf(own.filter((count) => count.open))
    return { ...run, moves: sumOf(own), open, phases }
  })
}

function sumOf(counts: readonly MoveCount[]): number {
  return counts.reduce((sum, { tenants }) => sum + tenants, 0)
}
