/**
 * A simulated past: a run whose tenants have all moved, with their events and evidence, and their
 * flags at the source.
 */
import type pg from 'pg'

const run = `insert into rehome_control.runs (id, plan_name, plan_fingerprint, scope, source, target,
    attempts, backoff_ms, created_by, rehome_version)
  select 'past', plan_name, plan_fingerprint, scope, source, target, 3, 1000, 'bench', '0'
  from rehome_control.runs limit 1`

/** One in a thousand has failed. Pauses are spread as those of small tenants are. */
const moves = `insert into rehome_control.moves (id, run_id, scope, target_scope, tenant_id, phase, open,
    attempt, attempts_used, token, turn, epoch, error_code, error_message, rows_total, rows_copied,
    pause_ms, settled_at, window_until, evidence)
  select gen_random_uuid(), 'past', 'default', 'default', 'past' || lpad(g::text, 8, '0'),
    case when g % 1000 = 0 then 'failed' else 'moved' end, false, 1, 1, gen_random_uuid(), g,
    gen_random_uuid(), case when g % 1000 = 0 then 'ROWS_DIFFER' end,
    case when g % 1000 = 0 then 'simulated' end, 100, 100, 20 + 200 * random() ^ 4,
    now() - random() * interval '1 day', now() + random() * interval '7 days',
    jsonb_build_object('pauseMs', 42, 'tables', jsonb_build_object('accounts',
      jsonb_build_object('rows', 100, 'digest', md5(g::text) || md5((g + 1)::text))))
  from generate_series(1, $1::int) g`

const events = `insert into rehome_control.events (move_id, attempt, kind, phase, message)
  select id, 1, 'phase', p, p || ' begins' from rehome_control.moves,
    unnest(array['preflight', 'copy', 'cutover', 'moved']) p where run_id = 'past'`

const flags = `insert into rehome.tenant_flags (scope, tenant_id, mode, token, epoch, move_id, reason,
    retry_after_s, moved_to)
  select 'default', 'past' || lpad(g::text, 8, '0'), 'moved', gen_random_uuid(), gen_random_uuid(),
    gen_random_uuid(), 'moved', 1, 'elsewhere'
  from generate_series(1, $1::int) g`

interface Databases {
  readonly control: pg.Pool
  readonly source: pg.Pool
}

export async function addHistory({ control, source }: Databases, tenants: number): Promise<void> {
  await control.query(run)
  await control.query(moves, [tenants])
  await control.query(events)
  // There is no listener, and a million notifications would take longer than the flags.
  await source.query('alter table rehome.tenant_flags disable trigger notify_flag_change')
  await source.query(flags, [tenants])
  await source.query('alter table rehome.tenant_flags enable always trigger notify_flag_change')
  await control.query('vacuum analyze')
  await source.query('vacuum analyze')
}
