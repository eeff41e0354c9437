-- The control database: what was asked for, how far it is, and what happened. The queue only means
-- "look at this move"; whatever it loses is found again here.

-- One row. Names the queues of this installation, so that two of them can share one Redis.
create table rehome_control.installation (
  id uuid primary key default gen_random_uuid(),
  -- Moves at once over all workers. null: as many as the workers take.
  moves_at_once integer,
  -- When a worker is to look after the waves of runs next. Who looks first sets it.
  waves_due_at timestamptz not null default clock_timestamp(),
  -- Queue → who paused it on the board, and when. The queue itself knows whether it still is.
  queue_pauses jsonb not null default '{}',
  -- How long events are kept after their run has ended for good. null: for ever.
  keep_events_ms bigint,
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

-- A server whose moves at once are limited, over all runs and workers, has so many slots. A move
-- needs one of its source's server and one of its target's, where these have any.
create table rehome_control.server_slots (
  server text not null,
  number integer not null,
  move_id uuid,
  -- The attempt that has it, until then unless it renews it: one that has died keeps no other waiting.
  taken_by uuid,
  taken_until timestamptz not null default '-infinity',
  primary key (server, number)
);

create table rehome_control.runs (
  id text primary key,
  plan_name text not null,
  -- sha256 of the plan as it was when enqueued: only workers with the same text carry it out.
  plan_fingerprint text not null,
  scope text not null,
  -- Hosts and databases of the two ends, without user or password, for people. In words where each
  -- tenant has an end of its own.
  source text not null,
  target text not null,
  attempts integer not null,
  backoff_ms integer not null,
  created_by text not null,
  created_at timestamptz not null default clock_timestamp(),
  rehome_version text not null,
  -- Its moves are never carried out, whatever is asked of them later.
  rehearsal boolean not null default false,
  -- Whether tenants write while they are copied. A hold of an offline move is one before its start.
  strategy text not null default 'offline',
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
  -- When the current wave's own check was asked last, and why it does not let the next wave begin. null: it does.
  gate_asked_at timestamptz,
  gate_answer text,
  -- When no further move begins.
  stop_when jsonb,
  -- Events of errands that ended up to this moment were removed: of all tenants, or of those up to this one.
  events_gone_until timestamptz,
  events_gone_after text,
  constraint "a move is tried at least once" check (attempts >= 1),
  constraint "a strategy is a known word" check (strategy in ('offline', 'online')),
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
  -- The tenant's own ends, where they depend on the tenant. null: those of the run.
  source text,
  target text,
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
  -- When a worker last found no fence and no log of it at ends of the tenant's own, but the log of its
  -- rollback window. null, before updated_at, or before the end of the window once that is over: there may
  -- be some.
  rested_at timestamptz,
  wave integer not null default 1,
  -- Moves of a wave are given to workers in this order.
  place integer not null default 0,
  -- false: it waits here for its job. The queue has jobs of the next moves of each run only.
  has_job boolean not null default true,
  -- As for a run. A pause keeps a move from its cutover, and no other errand.
  paused text,
  -- Held before its cutover, or before its start if the run is offline: until a person completes it, and
  -- until this moment.
  held boolean not null default false,
  complete_after timestamptz,
  -- When its tenant may be cut over, or begin. null: at any time.
  windows jsonb,
  -- What the plan has told of the tenant, by name; requests choose tenants by it.
  facts jsonb not null default '{}',
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
  -- Why its attempt rests between chunks now. null: it does not.
  gives_way text,
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
    'hold', 'final_catch_up', 'cutover', 'release', 'moved',
    'failed',
    'undo_catch_up', 'undo_compare', 'undo_fence', 'undo_drain', 'undo_final_catch_up',
    'undo_cutover', 'undo_release', 'withdraw',
    'rolled_back', 'audit', 'finalize',
    'cleanup', 'cleaned', 'rehearse', 'rehearsed')),
  constraint "errand is a known word"
    check (errand in ('move', 'rollback', 'audit', 'finalize', 'cleanup', 'rehearse')),
  constraint "a pause of a move is a known word" check (paused in ('finish', 'now')),
  constraint "an errand that fails leads back to where a move has settled"
    check (fallback_phase in ('failed', 'moved', 'rolled_back')),
  constraint "a failed move has an error code" check (phase <> 'failed' or error_code is not null)
);

-- Two runs must not carry one tenant at the same time, whatever their plans are called.
create unique index "one open move a tenant and scope" on rehome_control.moves (scope, tenant_id)
  where open;
-- Workers go round among the open moves by run and by what holds them back, however many have ended and
-- however many wait: moves of a paused run, or of a wave to come, stand together and are passed over as one,
-- and so are moves that are held before their start, and those whose next look is due later.
create index open_moves_by_gate on rehome_control.moves (run_id,
  (case when errand <> 'move' or phase not in ('queued', 'preflight', 'capture', 'fence', 'drain', 'copy',
    'catch_up', 'verify', 'hold', 'final_catch_up') then 0
  when paused is null then case when held then -wave else wave end end), not_before, id)
  where open and has_job
    and (case when errand <> 'move' or phase not in ('queued', 'preflight', 'capture', 'fence', 'drain',
    'copy', 'catch_up', 'verify', 'hold', 'final_catch_up') then 0
  when paused is null then case when held then -wave else wave end end) is not null;
-- The feeder goes round in the same way among the moves that wait for their job, in their order.
create index moves_without_job on rehome_control.moves (run_id,
  (case when errand <> 'move' or phase not in ('queued', 'preflight', 'capture', 'fence', 'drain', 'copy',
    'catch_up', 'verify', 'hold', 'final_catch_up') then 0
  when paused is null then case when held then -wave else wave end end), not_before, place)
  where open and not has_job
    and (case when errand <> 'move' or phase not in ('queued', 'preflight', 'capture', 'fence', 'drain',
    'copy', 'catch_up', 'verify', 'hold', 'final_catch_up') then 0
  when paused is null then case when held then -wave else wave end end) is not null;
-- Moves that have a job, and those of them that no worker has begun with.
create index moves_with_job on rehome_control.moves (run_id) where open and has_job;
create index moves_ahead on rehome_control.moves (run_id, (errand = 'move'))
  where open and has_job and token is null;
-- Steering reads the open moves of a run, however many have ended, and those paused by themselves.
create index open_moves_of_run on rehome_control.moves (run_id, tenant_id) where open;
-- The retention asks when the last errand of a run ended.
create index ended_moves_of_run on rehome_control.moves (run_id, updated_at) where not open;
create index paused_moves_of_run on rehome_control.moves (run_id, tenant_id)
  where paused is not null;
create index held_moves_of_run on rehome_control.moves (run_id, tenant_id)
  where open and (held or complete_after is not null);
-- The gates of a wave count its moves.
create index moves_by_wave on rehome_control.moves (run_id, wave);
-- The largest tenants that have moved predict how long another one takes.
create index largest_moves_of_run on rehome_control.moves (run_id, rows_copied)
  where phase = 'moved' and rows_copied > 0;
-- A further run asks where its tenants live.
create index moves_by_tenant on rehome_control.moves (tenant_id);
create index moves_in_hand on rehome_control.moves (run_id)
  where (source is not null or target is not null) and phase <> 'queued'
    and (open or rested_at is null or rested_at < updated_at);
create index moves_resting_in_windows on rehome_control.moves (window_until)
  where (source is not null or target is not null) and phase <> 'queued'
    and rested_at < window_until;
create index moves_with_own_ends on rehome_control.moves (run_id, tenant_id)
  where source is not null or target is not null;
-- Pages count the tenants of a run by phase, and list those of one phase, without reading its rows.
create index moves_by_phase on rehome_control.moves (run_id, phase, tenant_id);
create index moves_by_error on rehome_control.moves (run_id, error_code, tenant_id)
  where error_code is not null;
-- Runs are listed from the newest one on.
create index runs_by_age on rehome_control.runs (created_at, id);

-- What happened, in order; nothing is ever changed, or taken out before its retention is over.
create table rehome_control.events (
  id bigint generated always as identity primary key,
  move_id uuid not null references rehome_control.moves (id),
  at timestamptz not null default clock_timestamp(),
  attempt integer not null,
  kind text not null,
  phase text,
  message text not null,
  data jsonb not null default '{}',
  constraint "kind is a known word"
    check (kind in ('asked', 'phase', 'failed', 'waiting', 'settled'))
);
create index events_by_move on rehome_control.events (move_id, id);

-- Statements of the plans' schema changes that were run, or tried: who, when, how long their locks
-- were held. The ends know which have run (rehome.schema_statements); this is for people.
create table rehome_control.schema_statements (
  id bigint generated always as identity primary key,
  plan_name text not null,
  part text not null,
  end_name text not null,
  -- Host and database, without user or password.
  place text not null,
  file text not null,
  -- From 1, as they stand in the file.
  number integer not null,
  line integer not null,
  -- sha256 of the statement.
  hash text not null,
  statement text not null,
  by text not null,
  -- `recovered`: the process that ran it died before it could store more.
  outcome text not null,
  attempts integer not null,
  began_at timestamptz,
  ended_at timestamptz not null default clock_timestamp(),
  -- Until its locks were granted, and from then to the commit.
  waited_ms double precision,
  held_ms double precision,
  -- Locks that its transaction had on tables: [{"table": …, "mode": …}].
  locks jsonb not null default '[]',
  row_count bigint,
  error_message text,
  constraint "part is expand or contract" check (part in ('expand', 'contract')),
  constraint "a statement runs at the source or at the target"
    check (end_name in ('source', 'target')),
  constraint "outcome is a known word" check (outcome in ('done', 'failed', 'recovered')),
  constraint "a failed statement has an error message" check ((outcome = 'failed') = (error_message is not null))
);
create index schema_statements_by_plan on rehome_control.schema_statements (plan_name, id);
