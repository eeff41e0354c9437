-- The control database: what was asked for, how far it is, and what happened. The queue only says
-- "look at this move"; whatever it loses is found again here.

-- One row. Names the queues of this installation, so that two of them can share one Redis.
create table rehome_control.installation (
  id uuid primary key default gen_random_uuid(),
  -- Moves at once over all workers. null: as many as the workers take.
  moves_at_once integer,
  -- When a worker is to look after the waves of runs next. Who looks first sets it.
  waves_due_at timestamptz not null default clock_timestamp(),
  constraint "at least one move can be carried out" check (moves_at_once >= 1)
);
insert into rehome_control.installation default values;

-- Every attempt at any move takes the next number. The ends refuse an attempt with a lower one.
create sequence rehome_control.turns;

-- Workers that are alive, and the fingerprints of the plans that they have.
create table rehome_control.workers (
  id uuid primary key,
  fingerprints text[] not null,
  alive_until timestamptz not null
);

create table rehome_control.runs (
  id text primary key,
  plan_name text not null,
  -- sha256 of the plan as it was when enqueued: only workers with the same text carry it out.
  plan_fingerprint text not null,
  scope text not null,
  -- Hosts and databases of the two ends, without user or password, for people.
  source text not null,
  target text not null,
  attempts integer not null,
  backoff_ms integer not null,
  created_by text not null,
  created_at timestamptz not null default clock_timestamp(),
  rehome_version text not null,
  -- Its moves are never carried out, whatever is asked of them later.
  rehearsal boolean not null default false,
  -- No move of it begins. `finish`: those under way go on. `now`: they give up, unless cut over.
  paused text,
  -- Before or after the moves of other runs.
  priority text not null default 'normal',
  -- Each with what has to hold before the next one begins. null: one wave has all tenants.
  waves jsonb,
  wave_count integer not null default 1,
  -- Moves of this wave and of those before it may begin.
  wave integer not null default 1,
  -- When it was first seen without an open move.
  wave_ended_at timestamptz,
  -- The last waves that a person approved, or whose gates he set aside.
  approved_wave integer not null default 0,
  overridden_wave integer not null default 0,
  -- When no further move begins.
  stop_when jsonb,
  constraint "a move is tried at least once" check (attempts >= 1),
  constraint "a pause of a run is a known word" check (paused in ('finish', 'now')),
  constraint "a run is in one of its waves" check (wave between 1 and wave_count),
  constraint "priority is a known word" check (priority in ('first', 'normal', 'last'))
);

-- What persons decided about a run, and why; nothing is ever changed or taken out.
create table rehome_control.run_events (
  id bigint generated always as identity primary key,
  run_id text not null references rehome_control.runs (id),
  at timestamptz not null default clock_timestamp(),
  kind text not null,
  by text not null,
  reason text,
  data jsonb not null default '{}'
);
create index run_events_by_run on rehome_control.run_events (run_id, id);

-- A phase is stored before it begins. Settled: moved, failed, rolled_back, cleaned, rehearsed.
create table rehome_control.moves (
  id uuid primary key,
  run_id text not null references rehome_control.runs (id),
  scope text not null,
  -- The same at the target, where both models live in one database.
  target_scope text not null,
  tenant_id text not null,
  phase text not null default 'queued',
  -- What is asked of the worker: bring the tenant over, back, or remove the old copy.
  errand text not null default 'move',
  -- The errand is not done yet: a worker is at it, or is to be.
  open boolean not null default true,
  -- Where the move stands again if the errand fails for good.
  fallback_phase text not null default 'failed',
  discard_writes boolean not null default false,
  -- Until then the new home logs what is written there, and a rollback brings it back. null: there is no
  -- rollback window, or it has ended.
  window_until timestamptz,
  -- When the way back was last tried, without going it.
  audited_at timestamptz,
  wave integer not null default 1,
  -- As for a run. A pause keeps a move from its cutover, and no other errand.
  paused text,
  -- Rows of the old copy may be gone: from here on there is no way back.
  cleanup_begun boolean not null default false,
  attempt integer not null default 0,
  -- Attempts since the last retry, which gives a move all of its attempts again.
  attempts_used integer not null default 0,
  -- Times an errand was begun anew; part of the job's id.
  generation integer not null default 0,
  -- Who may go on with this move: new for every attempt.
  token uuid,
  -- The number of the attempt under way; see rehome.turns.
  turn bigint,
  -- The fence under which rows were copied; see rehome.tenant_flags.
  epoch uuid,
  not_before timestamptz not null default clock_timestamp(),
  failed_phase text,
  error_code text,
  error_message text,
  error_data jsonb,
  rows_total bigint,
  rows_copied bigint not null default 0,
  pause_ms double precision,
  -- When a move or a rollback of it ended; other errands do not change it.
  settled_at timestamptz,
  evidence jsonb not null default '{}',
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint "a tenant appears once in a run" unique (run_id, tenant_id),
  constraint "phase is a known word" check (phase in (
    'queued', 'preflight', 'capture', 'fence', 'drain', 'copy', 'catch_up', 'verify',
    'final_catch_up', 'cutover', 'release', 'moved',
    'failed',
    'undo_catch_up', 'undo_compare', 'undo_fence', 'undo_drain', 'undo_final_catch_up',
    'undo_cutover', 'undo_release', 'withdraw',
    'rolled_back', 'audit', 'finalize',
    'cleanup', 'cleaned', 'rehearse', 'rehearsed')),
  constraint "errand is a known word"
    check (errand in ('move', 'rollback', 'audit', 'finalize', 'cleanup', 'rehearse')),
  constraint "a pause of a move is a known word" check (paused in ('finish', 'now')),
  constraint "a failed move says why" check ((phase = 'failed') <= (error_code is not null))
);

-- Two runs must not carry one tenant at the same time, whatever their plans are called.
create unique index "one open move a tenant and scope" on rehome_control.moves (scope, tenant_id)
  where open;
-- Workers go round among the open moves, however many have ended and however many wait.
create index open_moves on rehome_control.moves (id) where open;
-- Steering reads the open moves of a run, however many have ended, and those paused by themselves.
create index open_moves_of_run on rehome_control.moves (run_id, tenant_id) where open;
create index paused_moves_of_run on rehome_control.moves (run_id, tenant_id)
  where paused is not null;
-- The gates of a wave count its moves.
create index moves_by_wave on rehome_control.moves (run_id, wave);
-- A further run asks where its tenants live.
create index moves_by_tenant on rehome_control.moves (tenant_id);
-- Pages count the tenants of a run by phase, and list those of one phase, without reading its rows.
create index moves_by_phase on rehome_control.moves (run_id, phase, tenant_id);
create index moves_by_error on rehome_control.moves (run_id, error_code, tenant_id)
  where error_code is not null;
-- Runs are listed from the newest one on.
create index runs_by_age on rehome_control.runs (created_at, id);

-- What happened, in order; nothing is ever changed or taken out.
create table rehome_control.events (
  id bigint generated always as identity primary key,
  move_id uuid not null references rehome_control.moves (id),
  at timestamptz not null default clock_timestamp(),
  attempt integer not null,
  kind text not null,
  phase text,
  message text not null,
  data jsonb not null default '{}'
);
create index events_by_move on rehome_control.events (move_id, id);
