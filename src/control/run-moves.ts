/**
 * Named queries for those who steer the moves of a run. It may have a million of them, so they are
 * read in pages of 1,000, without their evidence.
 */
import { type Expression, type SqlBool, sql } from 'kysely'
import type { Facts } from '../plan/facts.ts'
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

/** Moves that are read, or changed by one statement, at once. */
export const pageSize = 1_000

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
    if (page.length > 0) yield page
    const last = page.at(-1)
    if (!last || page.length < pageSize) return
    page = await query.where('tenant_id', '>', last.tenant_id).execute()
  }
}

/** A move with what conditions are about: its facts, and its rows as counted or told. */
export type JudgedMove = BriefMove & { readonly facts: Facts; readonly rows: number | null }

/** All moves, in the order of their tenants. `hasFacts` false: these are empty. */
export async function* judgedPages(
  control: Control,
  some: Some,
  { hasFacts }: { readonly hasFacts: boolean },
): AsyncGenerator<JudgedMove[]> {
  for await (const page of pagesOf(control, some, sql`true`)) {
    if (!hasFacts) yield page.map((move) => ({ ...move, facts: {}, rows: null }))
    else {
      const rows = sql<number | null>`coalesce((facts ->> 'rows')::float8, rows_total::float8)`
      const judged = await control.db
        .selectFrom('moves')
        .select(['id', 'facts', rows.as('rows')])
        .where('id', '=', sql<string>`any(${page.map(({ id }) => id)}::uuid[])`)
        .execute()
      const byId = new Map(judged.map((one) => [one.id, one]))
      yield page.map((move) => ({ facts: {}, rows: null, ...byId.get(move.id), ...move }))
    }
  }
}

async function allOf(
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
export const isOpenMove = sql<SqlBool>`open and errand = 'move'`

/** Those of them that have a job. The feeder gives the others theirs. */
export async function movesWithJob(control: Control, some: Some): Promise<BriefMove[]> {
  return await allOf(control, { ...some, hasJob: true }, isOpenMove)
}

/** Its tenant is at one home, open, and nothing is on its way back. */
export const isEndableRollback = sql<SqlBool>`open and errand = 'rollback'
  and (fallback_phase = 'failed' or phase in ('moved', 'audit'))`

/** Names that an answer has at most: there may be a million. */
export const listedMax = 1_000

/** Moves of a run whose last errand is this one, and how many of them stand so. */
export interface ErrandState {
  readonly open: boolean
  readonly phase: Move['phase']
  readonly code: string | null
  readonly tenants: number
}

/** Reads all of the run's. */
export async function errandStates(
  { pool }: Pick<Control, 'pool'>,
  runId: string,
  errand: Move['errand'],
): Promise<ErrandState[]> {
  const query = `select open, phase, error_code as code, count(*)::int as tenants
    from rehome_control.moves where run_id = $1 and errand = $2
    group by open, phase, error_code order by phase, error_code nulls first`
  return (await pool.query<ErrandState>(query, [runId, errand])).rows
}

/** Tenants that a decision reaches. */
export interface Reached {
  readonly count: number
  /** The first 1,000, in the order of their ids unless another one is documented. */
  readonly tenants: readonly string[]
}

/** Called with all names of tenants that a decision reaches, page by page. */
export type OnTenants = (tenants: readonly string[]) => void

/** Adds up what a decision reaches. */
export class Tally {
  readonly #onTenants: OnTenants | undefined
  readonly #tenants: string[] = []
  #count = 0

  constructor(onTenants?: OnTenants) {
    this.#onTenants = onTenants
  }

  get count(): number {
    return this.#count
  }

  add(moves: readonly Pick<Move, 'tenant_id'>[]): void {
    const tenants = moves.map((move) => move.tenant_id)
    this.#count += tenants.length
    this.#tenants.push(...tenants.slice(0, listedMax - this.#tenants.length))
    if (tenants.length > 0) this.#onTenants?.(tenants)
  }

  get(): Reached {
    return { count: this.#count, tenants: this.#tenants }
  }
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
  const of = movesOf(control, some).where(resumableOf(resumable))
  const first = await of.select('tenant_id').orderBy('tenant_id').limit(listedMax).execute()
  const tenants = first.map((move) => move.tenant_id)
  if (first.length < listedMax) return { count: first.length, tenants }
  const { count } = await of
    .select(sql<number>`count(*)::int`.as('count'))
    .executeTakeFirstOrThrow()
  return { count, tenants }
}

/** Those of them that have a job. The feeder gives the others theirs. */
export function stoppableWithJob(
  control: Control,
  some: Some,
  resumable: Resumable,
): AsyncGenerator<BriefMove[]> {
  return pagesOf(control, { ...some, hasJob: true }, resumableOf(resumable))
}

function resumableOf({ resumedUpTo }: Resumable) {
  if (resumedUpTo === undefined) return isStoppable
  return sql<SqlBool>`${isStoppable} and paused is null and wave <= ${resumedUpTo}`
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
export const isPausedAlone = sql<SqlBool>`${isStoppable} and paused is not null`
