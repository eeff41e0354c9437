-- Messages of webhooks: an outbox. Each is written by the transaction that it is about, or found by
-- a look that repeats, so that no crash loses one. Workers that know the receiver deliver them, for
-- each run in the order of their ids.

alter table rehome_control.installation
  -- Whether messages are written. Set by workers that know a receiver, unset by a person.
  add column webhooks boolean not null default false,
  -- Messages about rollback windows that ended up to then exist.
  add column windows_told_until timestamptz not null default clock_timestamp();

create table rehome_control.webhook_messages (
  id bigint generated always as identity primary key,
  -- The receiver's idempotency key.
  key uuid not null default gen_random_uuid(),
  -- Names what it tells, so that nothing is in two messages.
  about text not null,
  run_id text not null references rehome_control.runs (id),
  type text not null,
  at timestamptz not null default clock_timestamp(),
  data jsonb not null default '{}',
  attempts integer not null default 0,
  -- When it is to be sent next. A worker that sends it puts this off, so that no other one does.
  due_at timestamptz not null default clock_timestamp(),
  -- While a worker sends it.
  claimed_until timestamptz,
  -- A failure after this one is the last.
  give_up_at timestamptz not null default clock_timestamp() + interval '3 days',
  last_error text,
  outcome text,
  ended_at timestamptz,
  constraint "no two messages tell the same" unique (about),
  constraint "outcome is a known word" check (outcome in ('delivered', 'given up')),
  constraint "a message that has ended has an outcome" check ((ended_at is null) = (outcome is null))
);
create index waiting_webhook_messages on rehome_control.webhook_messages (run_id, id)
  where ended_at is null;
create index ended_webhook_messages on rehome_control.webhook_messages (ended_at)
  where ended_at is not null;

-- Runs whose moves have ended since their end was last told.
create table rehome_control.webhook_runs (
  run_id text primary key references rehome_control.runs (id)
);

create index moves_by_window on rehome_control.moves (window_until)
  where window_until is not null;

create function rehome_control.tell_webhooks(
  about text, run_id text, type text, data jsonb
) returns void language sql as $$
  insert into rehome_control.webhook_messages (about, run_id, type, data)
  select $1, $2, $3, $4 from rehome_control.installation where webhooks
  on conflict do nothing
$$;

create function rehome_control.tell_run_started() returns trigger language plpgsql as $$
begin
  perform rehome_control.tell_webhooks('run.started/' || new.id, new.id, 'run.started',
    pg_catalog.jsonb_build_object('waves', new.wave_count));
  return null;
end $$;
create trigger tell_run_started after insert on rehome_control.runs
  for each row when (not new.rehearsal) execute function rehome_control.tell_run_started();

create function rehome_control.tell_wave_started() returns trigger language plpgsql as $$
begin
  perform rehome_control.tell_webhooks('run.wave_started/' || new.id || '/' || new.wave, new.id,
    'run.wave_started', pg_catalog.jsonb_build_object('wave', new.wave, 'waves', new.wave_count,
      'name', new.waves->(new.wave - 1)->'name', 'tenants', new.waves->(new.wave - 1)->'tenants'));
  return null;
end $$;
create trigger tell_wave_started after update of wave on rehome_control.runs
  for each row when (new.wave > old.wave) execute function rehome_control.tell_wave_started();

create function rehome_control.tell_run_paused() returns trigger language plpgsql as $$
begin
  perform rehome_control.tell_webhooks('run.paused/' || new.id, new.run_id, 'run.paused',
    -- "by" is a word of plpgsql.
    pg_catalog.jsonb_build_object('by', new."by", 'reason', new.reason));
  return null;
end $$;
create trigger tell_run_paused after insert on rehome_control.run_events
  for each row when (new.kind = 'paused') execute function rehome_control.tell_run_paused();

-- Also of a rollback or a clean-up that failed: the phase then shows where the move stands.
create function rehome_control.tell_move_ended() returns trigger language plpgsql as $$
begin
  if new.errand <> 'audit' and (select webhooks from rehome_control.installation) then
    insert into rehome_control.webhook_runs values (new.run_id) on conflict do nothing;
  end if;
  if new.error_code is not null and new.error_code not in ('SKIPPED', 'CANCELLED') then
    perform rehome_control.tell_webhooks('move.failed/' || new.id || '/' || new.attempt,
      new.run_id, 'move.failed', pg_catalog.jsonb_build_object('tenant', new.tenant_id,
        'errand', old.errand, 'phase', new.phase, 'failedPhase', new.failed_phase,
        'code', new.error_code, 'message', new.error_message));
  end if;
  return null;
end $$;
create trigger tell_move_ended after update of open on rehome_control.moves
  for each row when (old.open and not new.open and new.errand <> 'rehearse')
  execute function rehome_control.tell_move_ended();
