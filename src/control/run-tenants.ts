/**
 * Named queries on the tenants of a run for pages that watch it: a page of them, filtered and
 * sorted; all of them as cells of a grid, in parts; and those that changed lately. None reads
 * evidence.
 */
import { sql } from 'kysely'
import type { Control, Move } from './database.ts'

const columns = [
  'tenant_id',
  'phase',
  'errand',
  'open',
  'attempt',
  'error_code',
  'error_message',
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
  /** From 0. */
  readonly page?: number | undefined
  /** Default 100, at most 1,000. */
  readonly size?: number | undefined
}

export interface TenantPage {
  readonly tenants: readonly TenantLine[]
  /** How many there are on all pages. */
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
  let found = control.db.selectFrom('moves').where('run_id', '=', runId)
  if (search !== '') {
    found = found.where(sql<boolean>`strpos(lower(tenant_id), lower(${search})) > 0`)
  }
  if (phase === 'waiting') found = found.where('phase', '=', 'queued')
  else if (phase === 'working')
    found = found.where('open', '=', true).where('phase', '<>', 'queued')
  else if (phase === 'ended') found = found.where('open', '=', false)
  else if (phase !== '') found = found.where(sql<boolean>`phase = ${phase}`)
  if (code !== '') found = found.where('error_code', '=', code)
  const [lines, count] = await Promise.all([
    found
      .select(columns)
      .orderBy(orders[sort])
      .limit(size)
      .offset(page * size)
      .execute(),
    found.select(sql<number>`count(*)::int`.as('total')).executeTakeFirstOrThrow(),
  ])
  return { tenants: lines, total: count.total, page, size }
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
