// Guards that stand only while tenants move: moves that install them, looks that remove them.
import { expect } from 'vitest'
import { openEnds } from '../../../src/coordinator/installation.ts'
import { sharedEnds } from '../../../src/ends/end.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import type { PlanInput } from '../../../src/plan/plan.ts'
import { reap, removeGuards } from '../../../src/stages/reap.ts'
import type { Attempts } from '../attempts.ts'
import type { TestDatabase } from '../database.ts'
import type { World } from '../world.ts'

export const passing: Partial<PlanInput> = {
  guards: 'while moving',
  rollback: { windowMs: 3_600_000 },
}

export const passingText = `guards: 'while moving', rollback: { windowMs: 3_600_000 }`

export async function moveOne(world: World, attempts: Attempts, tenant: string): Promise<void> {
  await world.addTenant(tenant, 3)
  await world.rehome.enqueue(world.plan(), { tenants: [tenant] })
  expect(await attempts.try(tenant)).toMatchObject({ kind: 'settled', phase: 'moved' })
}

/** Tables of the application with a guard → the versions of its triggers. */
export async function guardsAt({ pool }: Pick<TestDatabase, 'pool'>): Promise<Map<string, string>> {
  const query = `select c.relname as name, string_agg(t.oid::text, ' ' order by t.oid) as triggers
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid
    where p.pronamespace = 'rehome'::regnamespace and c.relnamespace = 'public'::regnamespace
      and t.tgparentid = 0 group by 1 order by 1`
  const { rows } = await pool.query<{ name: string; triggers: string }>(query)
  return new Map(rows.map(({ name, triggers }) => [name, triggers]))
}

export const guarded = ['note_lines', 'notes', 'tenants', 'visits', 'visits_2025', 'visits_2026']

export async function look(world: World, attempts: Attempts) {
  await using ends = openEnds(checkPlan(world.plan()), world.environment)
  await reap('default', sharedEnds(ends), attempts.control)
  return await removeGuards(sharedEnds(ends), attempts.control)
}

/** All rollback windows end now, and all moves ended long ago. */
export async function endWindows({ control, target }: World): Promise<void> {
  await control.pool.query(`update rehome_control.moves set window_until = now(),
    settled_at = settled_at - interval '1 d' where window_until is not null`)
  await target.pool.query(`update rehome.tenant_flags set capture_until = now(), expires_at = now()
    where mode = 'capturing'`)
}
