/**
 * Named queries on the tenants of a run for pages that watch it: a page of them, filtered and
 * sorted; all of them as cells of a grid, in parts; and those that changed lately. None reads
 * evidence.
 */
import { sql } from 'kysely'
import type { Control, Move } from '../database.ts'
import { countsOf, type MoveCount } from './run-counts.ts'

const columns = [
  'tenant_id',
  'phase',
  'errand',
  'open',
  'attempt',
  'error_code',
  'error_message',
  'gives_way',
  'rows_copied',
  'rows_total',
  'pause_ms',
  'window_until',
  'updated_at',
] as const

export type TenantLine = Pick<Move, (typeof columns)[number]>

export const tenantSorts = ['tenant', 'pause', 'rows', 'attempt', 'changed'] as const
export type TenantSort = (typeof tenantSorts)[number]

export interface TenantQuery {
  /** A part of the tenant's id, in small or capital letters. */
  readonly search?: string | undefined
  /** A phase; or `waiting` (queued), `working` (any other in which it is open), `ended`. */
  readonly phase?: string | undefined
  readonly code?: string | undefined
  readonly sort?: TenantSort | undefined
  /** Those behind this tenant in the order of their ids: quick in a run of any size. */
  readonly after?: string | undefined
  /** From 0; of those behind `after`. */
  readonly page?: number | undefined
  /** Default 100, at most 1,000. */
  readonly size?: number | undefined
}

export interface TenantPage {
  readonly tenants: readonly TenantLine[]
  /** How many there are on all pages, also before `after`. */
  readonly total: number
  readonly page: number
  readonly size: number
}

const orders = {
  tenant: sql`tenant_id`,
  pause: sql`pause_ms desc nulls last, tenant_id`,
  rows: sql`greatest(rows_total, rows_copied) desc nulls last, tenant_id`,
  attempt: sql`attempt desc, tenant_id`,
  changed: sql`updated_at desc, tenant_id`,
} as const

/** Empty for a run that does not exist. */
export async function tenantPage(
  control: Control,
  runId: string,
  query: TenantQuery = {},
): Promise<TenantPage> {
  const { search = '', phase = '', code = '', sort = 'tenant' } = query
  const size = Math.min(Math.max(1, query.size ?? 100), 1000)
  const page = Math.max(0, query.page ?? 0)
  const { after } = query
  let matches = control.db.selectFrom('moves').where('run_id', '=', runId)
  if (search !== '') {
    matches = matches.where(sql<boolean>`strpos(lower(tenant_id), lower(${search})) > 0`)
  }
  if (phase === 'waiting') matches = matches.where('phase', '=', 'queued')
  else if (phase === 'working')
    // Those without a job are all queued, and may be a million.
    matches = matches.where(sql<boolean>`open and has_job and phase <> 'queued'`)
  else if (phase === 'ended') matches = matches.where('open', '=', false)
  else if (phase !== '') matches = matches.where(sql<boolean>`phase = ${phase}`)
  if (code !== '') matches = matches.where('error_code', '=', code)
  const behind = after === undefined ? matches : matches.where('tenant_id', '>', after)
  const lines = behind
    .select(columns)
    .orderBy(orders[sort])
    .limit(size)
    .offset(page * size)
  const count = async () => {
    if (search === '' && code === '') return await countedIn(control, runId, phase)
    const counted = matches.select(sql<number>`count(*)::int`.as('total'))
    return (await counted.executeTakeFirstOrThrow()).total
  }
  const [tenants, total] = await Promise.all([lines.execute(), count()])
  return { tenants, total, page, size }
}

/** Tenants of a run, or of those `phase` of a query means. */
async function countedIn(control: Control, runId: string, phase: string): Promise<number> {
  const isMeant = (count: MoveCount) => {
    if (phase === '') return true
    if (phase === 'waiting') return count.phase === 'queued'
    if (phase === 'working') return count.open && count.phase !== 'queued'
    return phase === 'ended' ? !count.open : count.phase === phase
  }
  const counts = (await countsOf(control, [runId])).filter(isMeant)
  return counts.reduce((sum, { tenants }) => sum + tenants, 0)
}

export interface MovesPage {
  /** Those behind this tenant. */
  readonly after?: string | undefined
  readonly limit: number
}

/** In the order of their tenants. */
export async function movesPage(
  control: Control,
  runId: string,
  { after, limit }: MovesPage,
): Promise<Move[]> {
  let query = control.db.selectFrom('moves').selectAll().where('run_id', '=', runId)
  if (after !== undefined) query = query.where('tenant_id', '>', after)
  return await query.orderBy('tenant_id').limit(limit).execute()
}

export type CellMove = Pick<Move, 'tenant_id' | 'phase' | 'errand' | 'open'>

export const cellsMax = 5_000

/** The next 5,000 tenants behind `after`, in the order of their ids. */
export async function cellsAfter(
  control: Control,
  runId: string,
  after: string,
): Promise<CellMove[]> {
  return await control.db
    .selectFrom('moves')
    .select(['tenant_id', 'phase', 'errand', 'open'])
    .where('run_id', '=', runId)
    .where('tenant_id', '>', after)
    .orderBy('tenant_id')
    .limit(cellsMax)
    .execute()
}

export interface Changes {
  /** The newest event that there was. */
  readonly upTo: string
  readonly cells: readonly CellMove[]
  /** There were more than 5,000 events: read all cells anew. */
  readonly tooMany: boolean
}

/** Tenants of the run with events behind this one. Events are written at each change of phase. */
export async function changedCells(
  control: Control,
  runId: string,
  afterEvent: string,
): Promise<Changes> {
  const query = `with e as (
      select id, move_id from rehome_control.events where id > $1 order by id limit ${cellsMax})
    select (select coalesce(max(id), $1)::text from e) as "upTo", (select count(*)::int from e) as n,
      (select coalesce(json_agg(m), '[]') from (
        select tenant_id, phase, errand, open from rehome_control.moves
        where run_id = $2 and id in (select move_id from e)) m) as cells`
  const { rows } = await control.pool.query(query, [afterEvent, runId])
  const { upTo, n, cells } = rows[0]
  return { upTo, cells, tooMany: n === cellsMax }
}

/** The newest event; 0 where there is none. */
export async function newestEvent(control: Control): Promise<string> {
  const query = 'select coalesce(max(id), 0)::text as id from rehome_control.events'
  return (await control.pool.query(query)).rows[0].id
}

/** A text that changes whenever the tenant's move does. null: no such move. */
export async function versionOf(
  control: Control,
  runId: string,
  tenant: string,
): Promise<string | null> {
  const query = `select phase || updated_at::text as version from rehome_control.moves
    where run_id = $1 and tenant_id = $2`
  return (await control.pool.query(query, [runId, tenant])).rows[0]?.version ?? null
}
