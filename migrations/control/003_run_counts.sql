-- Counts of a run's moves, so that no look at a run has to read all of its moves. Moves that a worker
-- is at change all the time and are few: they are counted when somebody looks. Counted here are all
-- others: those that wait for their job, and those whose errand is over.
create table rehome_control.run_counts (
  run_id text not null references rehome_control.runs (id) on delete cascade,
  -- A count is the sum of several rows, so that moves that end at once seldom wait for each other.
  stripe smallint not null,
  phase text not null,
  errand text not null,
  open boolean not null,
  -- Empty: none.
  error_code text not null,
  -- Pauses from 1.05 ^ n ms up to those of the next number. -1: there was none.
  pause_bucket smallint not null,
  tenants bigint not null,
  rows_copied numeric not null,
  primary key (run_id, stripe, phase, errand, open, error_code, pause_bucket)
) with (fillfactor = 50);

create function rehome_control.pause_bucket(ms double precision) returns smallint
language sql immutable parallel safe as $$
  select case when ms is null then -1
    else least(1000, floor(ln(greatest(ms, 1)) / ln(1.05))) end::smallint
$$;

-- Rows of the counts are locked in the order of their key, and at the end of a statement alone.
create function rehome_control.count_moves() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    insert into rehome_control.run_counts as c
    select run_id, pg_backend_pid() % 8, phase, errand, open, coalesce(error_code, ''),
      rehome_control.pause_bucket(pause_ms), count(*), sum(rows_copied)
    from new_moves where not (open and has_job)
    group by 1, 2, 3, 4, 5, 6, 7 order by 1, 2, 3, 4, 5, 6, 7
    on conflict (run_id, stripe, phase, errand, open, error_code, pause_bucket) do update
      set tenants = c.tenants + excluded.tenants, rows_copied = c.rows_copied + excluded.rows_copied;
  else
    insert into rehome_control.run_counts as c
    select run_id, pg_backend_pid() % 8, phase, errand, open, coalesce(error_code, ''),
      rehome_control.pause_bucket(pause_ms), sum(n), sum(n * rows_copied)
    from (
      select 1 as n, m.* from new_moves m where not (open and has_job)
      union all
      select -1, m.* from old_moves m where not (open and has_job)) changed
    group by 1, 2, 3, 4, 5, 6, 7 having sum(n) <> 0 or sum(n * rows_copied) <> 0
    order by 1, 2, 3, 4, 5, 6, 7
    on conflict (run_id, stripe, phase, errand, open, error_code, pause_bucket) do update
      set tenants = c.tenants + excluded.tenants, rows_copied = c.rows_copied + excluded.rows_copied;
  end if;
  return null;
end $$;
create trigger count_inserted_moves after insert on rehome_control.moves
  referencing new table as new_moves
  for each statement execute function rehome_control.count_moves();
create trigger count_updated_moves after update on rehome_control.moves
  referencing old table as old_moves new table as new_moves
  for each statement execute function rehome_control.count_moves();

create index slowest_moves_of_run on rehome_control.moves (run_id, pause_ms)
  where pause_ms is not null;
-- Audits that are due, by the ten minutes in which the windows end: those that have ended are passed over.
create index moves_by_audit on rehome_control.moves (run_id,
  (floor(extract(epoch from window_until at time zone 'UTC') / 600)::integer),
  (coalesce(audited_at, updated_at)))
  where phase = 'moved' and not open and not cleanup_begun and window_until is not null;
create index settled_moves_of_run on rehome_control.moves (run_id, settled_at)
  where settled_at is not null;
