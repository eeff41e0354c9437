// Runs as workers might have left them, for pages of many tenants.
import type { World } from '../../helpers/world.ts'

/** A tenth has failed, six are moved, three wait until tomorrow. Evidence is large. */
export async function plantRun(world: World, runId: string, tenants: number): Promise<void> {
  await world.control.pool.query(
    `insert into rehome_control.runs (id, plan_name, plan_fingerprint, scope, source, target,
       attempts, backoff_ms, created_by, rehome_version)
     values ($1, 'large', '', $1, 'db1', 'db2', 3, 1000, 'tester', '1')`,
    [runId],
  )
  await world.control.pool.query(
    `insert into rehome_control.moves (id, run_id, scope, target_scope, tenant_id, phase, open,
       error_code, error_message, rows_total, rows_copied, pause_ms, evidence,
       updated_at, not_before)
     select gen_random_uuid(), $1, $1, $1, 'tenant ' || lpad(g::text, 6, '0'),
       case when g % 10 = 0 then 'failed' when g % 10 < 7 then 'moved' else 'queued' end,
       g % 10 >= 7,
       case when g % 10 = 0 then 'ROWS_DIFFER' end, case when g % 10 = 0 then 'differs' end,
       g, g, case when g % 10 < 7 then g end,
       (select jsonb_object_agg('table ' || t, repeat('x', 60)) from generate_series(1, 30) t),
       clock_timestamp() - interval '1 hour' * g / $2::int, clock_timestamp() + interval '1 day'
     from generate_series(1, $2::int) g`,
    [runId, tenants],
  )
  await world.control.pool.query('analyze rehome_control.moves')
}
