/** Where tenants live, as far as the control database knows. */
import { sql } from 'kysely'
import type { Phase } from '../phases.ts'
import type { Control } from './database.ts'

/**
 * Tenants among these that have left this home: the last of their moves that ended at one of its
 * two ends, with this home as one of them, ended at the other.
 */
export async function departedTenants(
  control: Control,
  home: { readonly place: string; readonly scope: string },
  tenants: readonly string[],
): Promise<string[]> {
  const query = sql<{ tenant: string }>`
    select tenant from (
      select distinct on (tenant) tenant, ended, leaves from (
        select m.tenant_id as tenant, m.created_at, m.id,
          r.source = ${home.place} and m.scope = ${home.scope} as leaves,
          case when m.open and m.errand in ('move', 'rollback', 'rehearse') then null
            when m.open or m.phase = 'cleaned' then m.fallback_phase else m.phase end as ended
        from rehome_control.moves m join rehome_control.runs r on r.id = m.run_id
        where m.tenant_id = any(${tenants})
          and (r.source = ${home.place} and m.scope = ${home.scope}
            or r.target = ${home.place} and m.target_scope = ${home.scope})) moves
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
        when 'moved' then r.target else r.source end as home
    from rehome_control.moves m join rehome_control.runs r on r.id = m.run_id
    where m.tenant_id = ${tenant} and r.source = any(${places}) and r.target = any(${places})
      and not r.rehearsal
    order by m.created_at desc, m.id limit 1`
  return (await query.execute(control.db)).rows[0] ?? null
}
