/**
 * Named queries for those who steer the moves of a run. It may have a million of them, so they are
 * read in pages of 1,000, without their evidence.
 */
import { type Expression, type SqlBool, sql } from 'kysely'
import type { Control, Move } from './database.ts'
import { isStoppable } from './steer.ts'

export interface Some {
  readonly runId: string
  /** Absent: all of the run. */
  readonly tenants?: readonly string[] | undefined
  /** Only those of this wave. */
  readonly wave?: number | undefined
  /** Only those that have a job. The feeder gives the others theirs. */
  readonly hasJob?: true | undefined
}

export const briefColumns = [
  ...(['id', 'run_id', 'tenant_id', 'wave', 'place', 'phase', 'errand', 'open'] as const),
  ...(['attempt', 'generation', 'epoch', 'paused', 'held', 'complete_after', 'has_job'] as const),
  ...(['error_code', 'cleanup_begun', 'window_until', 'rows_copied'] as const),
] as const

/** A move without what may be large: its evidence, and the words and data of its error. */
export type BriefMove = Pick<Move, (typeof briefColumns)[number]>

const pageSize = 1000

function movesOf(control: Control, { runId, tenants, wave, hasJob }: Some) {
  let query = control.db.selectFrom('moves').where('run_id', '=', runId)
  if (tenants) query = query.where('tenant_id', '=', sql<string>`any(${tenants})`)
  if (wave !== undefined) query = query.where('wave', '=', wave)
  return hasJob ? query.where('has_job', '=', true) : query
}

/** In the order of their tenants. */
export async function* pagesOf(
  control: Control,
  some: Some,
  when: Expression<SqlBool>,
): AsyncGenerator<BriefMove[]> {
  const all = movesOf(control, some).select(briefColumns)
  const query = all.where(when).orderBy('tenant_id').limit(pageSize)
  for (let page = await query.execute(); ; ) {
    yield page
    const last = page.at(-1)
    if (!last || page.length < pageSize) return
    page = await query.where('tenant_id', '>', last.tenant_id).execute()
  }
}

export async function allOf(
  control: Control,
  some: Some,
  when: Expression<SqlBool>,
): Promise<BriefMove[]> {
  const all: BriefMove[] = []
  for await (const page of pagesOf(control, some, when)) all.push(...page)
  return all
}

/** Whatever their state. */
export async function briefMoves(control: Control, some: Some): Promise<BriefMove[]> {
  return await allOf(control, some, sql`true`)
}

/** Moves that are under way or are to be, also those past their cutover. */
export async function openMovesOf(control: Control, some: Some): Promise<BriefMove[]> {
  return await allOf(control, some, sql`open and errand = 'move'`)
}

/** Its tenant is at one home, open, and nothing is on its way back. */
export const isEndableRollback = sql<SqlBool>`open and errand = 'rollback'
  and (fallback_phase = 'failed' or phase in ('moved', 'audit'))`

/** Rollbacks that can be called off if no worker has their plan. */
export async function endableRollbacks(control: Control, some: Some): Promise<BriefMove[]> {
  return await allOf(control, some, isEndableRollback)
}

/** Open moves of the run that are waiting to be resumed, or would wait. */
export async function stoppableMoves(control: Control, some: Some): Promise<BriefMove[]> {
  return await allOf(control, some, isStoppable)
}

/** Tenants that a decision reaches. */
export interface Reached {
  readonly count: number
  /** The first 1,000 in the order of their ids. */
  readonly tenants: readonly string[]
}

export function reachedBy(moves: readonly Pick<Move, 'tenant_id'>[]): Reached {
  return { count: moves.length, tenants: moves.slice(0, pageSize).map((move) => move.tenant_id) }
}

export interface Resumable {
  /** Only those that are not paused by themselves, of waves up to this one. */
  readonly resumedUpTo?: number | undefined
}

/** Open moves that are waiting to be resumed, or would wait, without reading all of them. */
export async function stoppableTenants(
  control: Control,
  some: Some,
  resumable: Resumable = {},
): Promise<Reached> {
  const of = stoppableOf(control, some, resumable)
  const first = await of.select('tenant_id').orderBy('tenant_id').limit(pageSize).execute()
  if (first.length < pageSize) return reachedBy(first)
  const { count } = await of
    .select(sql<number>`count(*)::int`.as('count'))
    .executeTakeFirstOrThrow()
  return { ...reachedBy(first), count }
}

/** Those of them that have a job. The feeder gives the others theirs. */
export async function stoppableWithJob(
  control: Control,
  some: Some,
  resumable: Resumable,
): Promise<BriefMove[]> {
  return await stoppableOf(control, { ...some, hasJob: true }, resumable)
    .select(briefColumns)
    .execute()
}

function stoppableOf(control: Control, some: Some, { resumedUpTo }: Resumable) {
  const query = movesOf(control, some).where(isStoppable)
  if (resumedUpTo === undefined) return query
  return query.where('paused', 'is', null).where('wave', '<=', resumedUpTo)
}

export interface Waits {
  /** Whether any errand of the run is not over. */
  readonly open: boolean
  /** Whether a move of it can still be kept from its cutover. */
  readonly stoppable: boolean
  /** Tenants that are paused by themselves: one more than `pausedAloneMax`, if there are more. */
  readonly pausedAlone: readonly string[]
}

export const pausedAloneMax = 5

/** Reads a few entries of indexes, whatever the size of the run. */
export async function waitsOf(control: Control, runId: string): Promise<Waits> {
  const own = control.db.selectFrom('moves').where('run_id', '=', runId)
  const alone = own
    .select('tenant_id')
    .where(isStoppable)
    .where('paused', 'is not', null)
    .orderBy('tenant_id')
    .limit(pausedAloneMax + 1)
  const [open, stoppable, paused] = await Promise.all([
    own.select('id').where('open', '=', true).limit(1).execute(),
    own.select('id').where(isStoppable).limit(1).execute(),
    alone.execute(),
  ])
  return {
    open: open.length > 0,
    stoppable: stoppable.length > 0,
    pausedAlone: paused.map((move) => move.tenant_id),
  }
}

/** Moves that are paused by themselves. */
export async function pausedMoves(control: Control, some: Some): Promise<BriefMove[]> {
  return await allOf(control, some, sql`${isStoppable} and paused is not null`)
}
