/** Where tenants live, as far as the control database knows. */
import { sql } from 'kysely'
import type { Phase } from '../phases.ts'
import type { Control } from './database.ts'

const sourceText = sql`coalesce(m.source, r.source)`
const targetText = sql`coalesce(m.target, r.target)`

/** A home of a tenant, or one that it had. */
export interface HomeOf {
  readonly tenant: string
  readonly place: string
}

/**
 * Tenants among these that have left their home: the last of their moves that ended at one of its
 * two ends, with this home as one of them, ended at the other.
 */
export async function departedTenants(
  control: Control,
  scope: string,
  homes: readonly HomeOf[],
): Promise<string[]> {
  const query = sql<{ tenant: string }>`
    select tenant from (
      select distinct on (tenant) tenant, ended, leaves from (
        select m.tenant_id as tenant, m.created_at, m.id,
          ${sourceText} = h.place and m.scope = ${scope} as leaves,
          case when m.open and m.errand in ('move', 'rollback', 'rehearse') then null
            when m.open or m.phase = 'cleaned' then m.fallback_phase else m.phase end as ended
        from unnest(${homes.map(({ tenant }) => tenant)}::text[],
            ${homes.map(({ place }) => place)}::text[]) h (tenant, place)
          join rehome_control.moves m on m.tenant_id = h.tenant
          join rehome_control.runs r on r.id = m.run_id
        where ${sourceText} = h.place and m.scope = ${scope}
            or ${targetText} = h.place and m.target_scope = ${scope}) moves
      where ended in ('moved', 'rolled_back')
      order by tenant, created_at desc, id) latest
    where leaves = (ended = 'moved')`
  const { rows } = await query.execute(control.db)
  return rows.map(({ tenant }) => tenant)
}

/** A tenant's last move between two of some places. */
export interface LastMove {
  readonly run: string
  readonly phase: Phase
  /** Where it has brought the tenant; where the tenant was before, as long as it has not ended. */
  readonly home: string
}

/** null: there is none. */
export async function lastMoveOf(
  control: Control,
  tenant: string,
  places: readonly string[],
): Promise<LastMove | null> {
  const query = sql<LastMove>`
    select r.id as run, m.phase,
      case case when m.open and m.errand in ('move', 'rollback', 'rehearse') then null
          when (m.open or m.phase = 'cleaned') then m.fallback_phase else m.phase end
        when 'moved' then ${targetText} else ${sourceText} end as home
    from rehome_control.moves m join rehome_control.runs r on r.id = m.run_id
    where m.tenant_id = ${tenant} and ${sourceText} = any(${places}) and ${targetText} = any(${places})
      and not r.rehearsal
    order by m.created_at desc, m.id limit 1`
  return (await query.execute(control.db)).rows[0] ?? null
}

/** Tenants that these plans have moved, or were to move. */
export async function movedTenants(control: Control, plans: readonly string[]): Promise<string[]> {
  const query = sql<{ tenant: string }>`
    select distinct m.tenant_id as tenant from rehome_control.moves m
      join rehome_control.runs r on r.id = m.run_id
    where r.plan_name = any(${plans}) and not r.rehearsal`
  return (await query.execute(control.db)).rows.map(({ tenant }) => tenant)
}
