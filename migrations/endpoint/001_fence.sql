-- The fence: what keeps one tenant's writes out of one end while it is moved.
--
-- Sparse: a tenant without a row in tenant_flags is read-write. Every protected table calls
-- rehome.check_tenants() once per statement, after it, for the distinct tenants that it touched.
--
-- Why no write gets past it (C: the flag's commit, B: the end of the drain, S: the copy's snapshot):
--   READ COMMITTED   the guard first takes a shared lock, then reads the flags in a NEW statement,
--                    hence with a new snapshot. Locked before the drain looked: the drain waits for
--                    this transaction, so it ended before S. Locked later: it reads after C, refused.
--   REPEATABLE READ, SERIALIZABLE
--                    its snapshot may be older than C. It locks the tenant's bucket row FOR SHARE:
--                    40001 if the row was bumped since its snapshot; if it was not, the bump waits.
-- Both locks live until the transaction ends, and fall with a savepoint only together with the write.
--
-- A row without a tenant of its own gets one from its parents, and another one by a transaction T of the
-- tenant that was in before C. Until T commits, the row's own writer W sees it with its old tenant, or none,
-- and is let in. W has the lock of any tenant (bucket 1024) before it looks. So B comes after: T has ended,
-- then that bucket was bumped again, and then its holders have ended. A W that locks later looks after T.
-- What W has let in may give rows in the same way: a reference to a row that T gives away. So B comes after as
-- many such looks as there are references on a way, or after one that finds no writer in (drain.ts).
--
-- Capture goes the same way: a tenant whose flag is `capturing` is read-write, and the guard tells
-- its caller to log the keys of the rows. The capture waits for writers that began before it, so
-- from then on every change is in the log, in the same transaction as the change itself.
--
-- No writer waits for another one's transaction. The first writer after a fence's lease opens it by
-- deleting the flag in its own transaction; until that ends, others are refused as before, and go on
-- when it has committed. A capture whose lease has lapsed is left alone: one entry too many in the
-- log does no harm, and the reaper ends it.

create table rehome.tenant_flags (
  scope text not null,
  tenant_id text not null,
  mode text not null,
  -- Who may act on this row: new for every attempt, so that a stopped worker that wakes is refused.
  token uuid not null,
  -- New each time the fence is raised, kept when another worker takes it over: as long as it is the
  -- same, no write of the tenant was let in, and rows copied under it are still right.
  epoch uuid not null,
  move_id uuid not null,
  reason text not null,
  retry_after_s integer not null,
  raised_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz,
  moved_to text,
  -- A caller with this key may open the end; see rehome.open_with_key. The end that is to be closed for good is the
  -- only one that knows it, and reveals it only once it is closed.
  opened_by uuid,
  -- When this end was closed for a tenant to move in, it had no rows of that tenant: any row that
  -- is here now may be removed.
  rows_are_ours boolean not null default false,
  -- For how long changes are to be logged once a receiving end opens, and until when they are: so
  -- long the tenant can be brought back with all that it has written.
  capture_ms bigint,
  capture_until timestamptz,
  primary key (scope, tenant_id),
  constraint "mode is capturing, read_only, receiving or moved"
    check (mode in ('capturing', 'read_only', 'receiving', 'moved')),
  constraint "a fence and a capture have a lease, and nothing else has"
    check ((mode in ('capturing', 'read_only')) = (expires_at is not null)),
  -- Kept while the tenant moves back: should that be called off, it has to be closed here again.
  constraint "a moved tenant has a new home"
    check (case mode when 'moved' then moved_to is not null when 'receiving' then true
      else moved_to is null end),
  constraint "only a closed end can be opened"
    check (opened_by is null or mode in ('receiving', 'moved')),
  constraint "only an end that receives is going to log"
    check (capture_ms is null or mode = 'receiving'),
  constraint "only an end that is written has been logging"
    check (capture_until is null or mode in ('capturing', 'read_only')),
  -- A move closes a tenant for good, or for as long as its worker lives: never all of them at once.
  constraint "the whole application is only made read-only"
    check (tenant_id <> '*' or mode = 'read_only'),
  constraint "a tenant id has 1 to 1024 bytes"
    check (octet_length(tenant_id) between 1 and 1024)
);
-- Guards ask whose changes are logged; most of many flags are those of tenants that have moved.
create index tenant_flags_that_pass on rehome.tenant_flags (scope) where mode <> 'moved';
-- Workers ask which ends are closed with a key.
create index tenant_flags_with_key on rehome.tenant_flags (scope) where opened_by is not null;
comment on table rehome.tenant_flags is
  'Tenants that may not be written here, for now or for good. No row: read-write. `*`: all of them.';

-- Applications that wait for a tenant, or keep in mind where it lives, hear of it at once. They may
-- not rely on it: a notification can be lost. A writer that ends a lapsed fence sends none, as a
-- transaction that has sent one cannot be prepared.
create function rehome.notify_flag_change() returns trigger
  language plpgsql volatile as $$
declare
  flag rehome.tenant_flags := case tg_op when 'DELETE' then old else new end;
  -- Every role that may connect can listen. The payload is a hash, so only callers that know a tenant recognize it.
  tenant text := case flag.tenant_id when '*' then '*' else pg_catalog.encode(
    pg_catalog.sha256(pg_catalog.convert_to(flag.tenant_id, 'UTF8')), 'hex') end;
  told text := pg_catalog.json_build_array(flag.scope, tenant)::text;
begin
  -- Everybody who may connect can fill the queue, too: a full one would keep the flag from changing.
  if (tg_op <> 'UPDATE' or old.mode <> new.mode) and pg_catalog.pg_notification_queue_usage() < 0.5 then
    perform pg_catalog.pg_notify('rehome', case when pg_catalog.octet_length(told) < 7900 then told else '[]' end);
  end if;
  return null;
end $$;
create trigger notify_flag_change after insert or delete or update of mode on rehome.tenant_flags
  for each row when (pg_catalog.pg_trigger_depth() = 0) execute function rehome.notify_flag_change();

-- Whose turn it is: the newest attempt at a tenant that has come here. Rows stay when flags go, so
-- that a stopped worker that wakes long after other workers have finished its move is refused.
create table rehome.turns (
  scope text not null,
  tenant_id text not null,
  -- From a sequence of the control database: higher for every attempt.
  number bigint not null,
  token uuid not null,
  primary key (scope, tenant_id),
  -- A higher one would leave no room for the attempts after it.
  constraint "a turn has a number from 1 to 10^15" check (number between 1 and 1000000000000000)
);
-- The highest one tells which numbers are plausible.
create index turns_by_number on rehome.turns (number);

-- What REPEATABLE READ writers look at to learn that their snapshot is too old. Bucket 1024 is the
-- whole scope at once; see lock_any_tenant. Bucket 1025 is that of rows of no tenant.
create table rehome.buckets (
  id integer primary key,
  epoch bigint not null default 0
) with (fillfactor = 10);
insert into rehome.buckets (id) select pg_catalog.generate_series(0, 1025);

-- Runs of plans with `guards: 'while moving'`: while one of them may need the guards, none of those
-- is taken away. An attempt stands here before it looks whether they are installed.
create table rehome.guarded_runs (
  run_id text primary key,
  -- How long after its last move: an application may have the tenant's old home in mind.
  stays_ms bigint not null default 0,
  since timestamptz not null default clock_timestamp()
);
-- Tables whose guards come and go. One that has none just now cannot be made read-only.
create table rehome.passing_tables (
  scope text,
  -- With its schema, as `regclass` writes it.
  relation text,
  primary key (scope, relation)
);

-- Statements of the plans' schema changes (`rehome schema`) that have run here: committed together
-- with the statement, so that a command that was killed goes on at the next one.
create table rehome.schema_statements (
  plan text not null,
  part text not null,
  end_name text not null,
  file text not null,
  -- From 1, as they stand in the file.
  number integer not null,
  -- sha256 of the statement.
  hash text not null,
  -- sha256 of all statements of the file.
  file_hash text not null,
  -- The last key of an UPDATE in batches that has been committed.
  batch_key text[],
  row_count bigint,
  -- false: begun, in batches or outside of a transaction.
  done boolean not null,
  at timestamptz not null default clock_timestamp(),
  primary key (plan, part, end_name, file, number)
);

-- How far a tenant's rows have come, written in the transaction that brought them.
create table rehome.copy_progress (
  scope text not null,
  tenant_id text not null,
  epoch uuid not null,
  table_name text not null,
  rows_read bigint not null,
  rows_written bigint not null,
  done boolean not null,
  -- Where to go on reading, where the other end is one that does not count rows.
  cursor text,
  primary key (scope, tenant_id, table_name),
  constraint "rows are counted from zero" check (rows_read >= 0 and rows_written >= 0)
);

-- Rows of the other end that could not come, and that the plan allows to stay behind. Those of an
-- earlier epoch mean nothing.
create table rehome.quarantine (
  id bigint generated always as identity primary key,
  scope text not null,
  tenant_id text not null,
  epoch uuid not null,
  table_name text not null,
  key text not null,
  message text not null,
  content jsonb not null
);
create index quarantine_of_tenant on rehome.quarantine (scope, tenant_id);

-- Ids of the other end, and those that they have become here: the same for all attempts of a run.
create table rehome.new_ids (
  scope text not null,
  tenant_id text not null,
  run_id text not null,
  space text not null,
  old_id text not null,
  new_id text not null,
  primary key (scope, tenant_id, run_id, space, old_id)
);

-- Up to which changes a receiving end has what the other end has: a snapshot of the other end. Rows
-- of copy_progress tell how a copy gets there, this tells that it has.
create table rehome.checkpoints (
  scope text not null,
  tenant_id text not null,
  epoch uuid not null,
  seen pg_snapshot not null,
  -- Of both schemas, as they were: rows that came from another one have to come again.
  fingerprint text not null,
  -- The same where ends are asked step by step, in the words of the other end. null: from the first
  -- change on.
  position text,
  -- How many steps have come: the next one is the next number, and no step comes twice.
  step bigint not null default 0,
  -- What was answered to the last one, should it be asked for again.
  answer jsonb,
  -- Rows were left out since, so that more has to come than what has changed.
  lacking boolean not null default false,
  primary key (scope, tenant_id)
);

-- Keys of rows that a round of catching up is about, at the receiving end. All but `kept` ones are
-- written and removed in one transaction, so that no other transaction ever sees one.
create table rehome.changed_keys (
  scope text not null,
  tenant_id text not null,
  table_name text not null,
  -- `row`: the key of a row. `parent`: values by which rows of other tables find their tenant.
  -- `gone`: values by which rows anywhere referred to a row that was removed.
  -- `kept`: the key of a row that a step has removed, until it comes again or its checkpoint goes.
  kind text not null check (kind in ('row', 'parent', 'gone', 'kept')),
  key text[] not null,
  -- A key may be longer than an entry of an index.
  key_hash text not null,
  -- Columns of its row that only this end has.
  kept jsonb,
  -- The step that has removed its row.
  step bigint,
  constraint kept_rows_have_a_step check ((kind = 'kept') = (step is not null)),
  primary key (scope, tenant_id, table_name, kind, key_hash)
);

-- The logs of captured tenants' changes: one for each guarded table, created with its guard.
create schema rehome_log;

create function rehome.bucket_of(tenant text) returns integer
  language sql immutable strict parallel safe
  as $$ select pg_catalog.hashtext(tenant) & 1023 $$;

-- When it is worth while to try again. A person's fence ends by itself; the lease of a move's does
-- not show when that ends.
create function rehome.retry_after(flag rehome.tenant_flags) returns integer
  language sql volatile as $$
  select case when flag.tenant_id = '*' and flag.expires_at < 'infinity'
    then greatest(1, least(flag.retry_after_s,
      pg_catalog.ceil(extract(epoch from flag.expires_at - pg_catalog.clock_timestamp()))::integer))
    else flag.retry_after_s end
$$;

create function rehome.raise_fenced(flag rehome.tenant_flags) returns void
  language plpgsql as $$
begin
  raise exception '% is %',
      case flag.tenant_id when '*' then 'the whole application'
        else 'tenant ' || pg_catalog.to_json(flag.tenant_id) end,
      case flag.mode
        when 'read_only' then case flag.tenant_id when '*' then 'read-only: ' || flag.reason
          else 'read-only while it is moved' end
        when 'receiving' then 'not open here yet'
        else 'at its new home ' || flag.moved_to
      end
    using errcode = '25006', hint = 'rehome:fenced',
      detail = pg_catalog.json_build_object(
        'scope', flag.scope, 'tenant', flag.tenant_id, 'mode', flag.mode,
        'reason', flag.reason, 'retryAfterS', rehome.retry_after(flag), 'movedTo', flag.moved_to,
        'indefinite', coalesce(flag.expires_at = 'infinity', false),
        'key', case flag.mode when 'moved' then flag.epoch end)::text;
end $$;

-- Returns those among the tenants whose changes are to be logged; null: none.
-- VOLATILE is load-bearing: each statement in here gets a new snapshot under READ COMMITTED.
-- `buckets` stands in ascending order, so that writers of many tenants meet in the same order.
create function rehome.check_tenants(guarded_scope text, tenants text[]) returns text[]
  language plpgsql volatile as $$
declare
  flag rehome.tenant_flags;
  held text := pg_catalog.current_setting('rehome.token', true);
  bucket integer;
  captured text[];
  stranger text;
begin
  if pg_catalog.current_setting('transaction_isolation') in ('read committed', 'read uncommitted') then
    for bucket in select distinct rehome.bucket_of(t) from unnest(tenants) t order by 1 loop
      perform pg_catalog.pg_advisory_xact_lock_shared(1919248495, bucket); -- guard: lock
    end loop;
  else
    perform 1 from rehome.buckets b -- guard: share
      where b.id in (select rehome.bucket_of(t) from unnest(tenants) t) -- guard: share
      order by b.id for share; -- guard: share
  end if;
  for flag in
    select * from rehome.tenant_flags f
      where f.scope = guarded_scope and f.tenant_id = any (tenants || '*'::text) -- guard: all
  loop
    continue when flag.token::text = held; -- guard: token
    -- The lease has expired, and raising the fence again waits for us. Were it removed here, all tenants'
    -- writers would wait for the transaction of the first one.
    continue when flag.tenant_id = '*' and flag.expires_at <= pg_catalog.clock_timestamp();
    if flag.mode = 'read_only' and flag.expires_at <= pg_catalog.clock_timestamp() then
      -- The lease has lapsed: this writer opens the fence, in its own transaction. The row's lock
      -- decides against a renewal or a cutover. Where another transaction has the lock it is not
      -- waited for, as it may stay open for as long as it likes: the fence stands until it ends.
      perform 1 from rehome.tenant_flags f -- guard: lapse
        where f.scope = guarded_scope and f.tenant_id = flag.tenant_id and f.token = flag.token -- guard: lapse
          and f.mode = flag.mode and f.expires_at <= pg_catalog.clock_timestamp() -- guard: lapse
        for update skip locked; -- guard: lapse
      if found and flag.capture_until > pg_catalog.clock_timestamp() then
        -- Nothing was written since it was raised, so the log has lost nothing.
        update rehome.tenant_flags f set mode = 'capturing', expires_at = f.capture_until -- guard: log on
          where f.scope = guarded_scope and f.tenant_id = flag.tenant_id;
      elsif found then
        delete from rehome.tenant_flags f -- guard: open
          where f.scope = guarded_scope and f.tenant_id = flag.tenant_id; -- guard: open
        continue;
      end if;
      select * into flag from rehome.tenant_flags f
        where f.scope = guarded_scope and f.tenant_id = flag.tenant_id;
      continue when not found;
    end if;
    -- Also where the lease of the capture has lapsed: the log has no gap until the reaper ends it.
    if flag.mode = 'capturing' then
      captured := captured || flag.tenant_id;
    else
      perform rehome.raise_fenced(flag);
    end if;
  end loop;
  if held <> '' then -- guard: stranger
    -- Who moves one tenant writes no other one, whatever his plan makes of its rows.
    select t into stranger from unnest(tenants) t where not exists ( -- guard: stranger
      select from rehome.tenant_flags f where f.tenant_id = t and f.token::text = held) limit 1; -- guard: stranger
    if stranger is not null then -- guard: stranger
      raise exception 'the move of one tenant has written rows of tenant %', pg_catalog.to_json(stranger) -- guard: stranger
        using errcode = '23514', hint = 'rehome:stranger'; -- guard: stranger
    end if; -- guard: stranger
  end if; -- guard: stranger
  return captured;
end $$;

-- The same for a statement that touched one tenant, as nearly all do: cheaper, as nothing is sorted,
-- looped over or unpacked. What a flag asks for that refuses, only check_tenants knows.
create function rehome.check_tenant(guarded_scope text, tenant text) returns text[]
  language plpgsql volatile as $$
begin
  if pg_catalog.current_setting('transaction_isolation') in ('read committed', 'read uncommitted') then
    perform pg_catalog.pg_advisory_xact_lock_shared(1919248495, rehome.bucket_of(tenant)); -- guard: lock
  else
    perform 1 from rehome.buckets b where b.id = rehome.bucket_of(tenant) for share; -- guard: share
  end if;
  if pg_catalog.current_setting('rehome.token', true) <> '' then
    return rehome.check_tenants(guarded_scope, array[tenant]);
  end if;
  -- 'capturing' comes first of all modes: where it is the last one, nothing refuses the write.
  case (select coalesce(max(f.mode collate "C"), '') from rehome.tenant_flags f
    where f.scope = guarded_scope and f.tenant_id = any (array[tenant, '*'])) -- guard: all
  when '' then
    return null;
  when 'capturing' then
    return array[tenant];
  else
    return rehome.check_tenants(guarded_scope, array[tenant]);
  end case;
end $$;

-- The same for a statement that touched rows, and none of a tenant: only the fence of the whole application concerns
-- it, and only the drain of that one waits for it.
create function rehome.check_tenantless(guarded_scope text) returns void
  language plpgsql volatile as $$
begin
  if pg_catalog.current_setting('transaction_isolation') in ('read committed', 'read uncommitted') then
    perform pg_catalog.pg_advisory_xact_lock_shared(1919248495, 1025);
  else
    perform 1 from rehome.buckets b where b.id = 1025 for share;
  end if;
  perform rehome.check_tenants(guarded_scope, '{}');
end $$;

-- Every drain waits for who comes here, and every fence makes its snapshot old: TRUNCATE, and rows
-- whose parent tells no tenant yet, as it may come to any of them before this transaction ends.
create function rehome.lock_any_tenant() returns void
  language plpgsql volatile as $$
begin
  if pg_catalog.current_setting('transaction_isolation') in ('read committed', 'read uncommitted') then
    perform pg_catalog.pg_advisory_xact_lock_shared(1919248495, 1024); -- guard: any
  else
    perform 1 from rehome.buckets b where b.id = 1024 for share; -- guard: any
  end if;
end $$;

-- Rows whose tenant nothing told when they were written, while tenants are closed here: the parent may be
-- with one of those, at the other end, or come by a move before the writer commits. So they are asked
-- again at commit. A row that then refers to no row, by a reference without a foreign key, is refused, as a
-- deferred foreign key would; rows are here no longer than that.
create table rehome.loose_rows (
  id bigint generated always as identity primary key,
  scope text not null,
  table_name text not null,
  -- Counts the rows without a tenant, and those that refer to no row, and tells the tenants of the others.
  query text not null
);
create function rehome.refuse_loose_rows() returns trigger
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
  set row_security = off as $$
declare
  tenantless bigint;
  loose bigint;
  tenants text[];
begin
  delete from rehome.loose_rows where id = new.id;
  execute new.query into tenantless, loose, tenants;
  if tenants is not null then
    perform rehome.check_tenants(new.scope, tenants);
  end if;
  if tenantless > 0 and pg_catalog.current_setting('rehome.token', true) <> '' then
    raise exception 'the move has written % rows of % that are of no tenant here', tenantless, new.table_name
      using errcode = '23514', hint = 'rehome:stranger';
  end if;
  if loose > 0 then
    raise exception '% rows of % refer to a row that is not here, and may be of a tenant that cannot be written here',
        loose, new.table_name
      using errcode = '23503', hint = 'rehome:loose';
  end if;
  return null;
end $$;
create constraint trigger refuse_loose_rows after insert on rehome.loose_rows deferrable initially deferred
  for each row execute function rehome.refuse_loose_rows();
alter table rehome.loose_rows enable always trigger refuse_loose_rows;

-- TRUNCATE takes every tenant's rows. It does not wait for a fence: it is refused while one stands.
create function rehome.refuse_truncate() returns trigger
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  flag rehome.tenant_flags;
begin
  perform rehome.lock_any_tenant();
  select * into flag from rehome.tenant_flags f
    where f.scope = tg_argv[0] and (f.tenant_id <> '*' or f.expires_at > clock_timestamp()) limit 1;
  if found then
    raise exception 'TRUNCATE would take rows of %',
        case flag.tenant_id when '*' then 'the whole application, which is read-only'
          else 'tenant ' || to_json(flag.tenant_id) || ' which is ' || flag.mode end
      using errcode = '25006', hint = 'rehome:fenced';
  end if;
  return null;
end $$;

-- The guard of tables whose rows are all one tenant's. The trigger names the tenant, so no row is looked at, and
-- TRUNCATE concerns no other tenant: it is refused while its rows could not be logged.
create function rehome.guard_tenant() returns trigger
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  if rehome.check_tenant(tg_argv[0], tg_argv[1]) is not null and tg_op = 'TRUNCATE' then
    raise exception 'TRUNCATE would take rows of tenant % which is capturing', to_json(tg_argv[1])
      using errcode = '25006', hint = 'rehome:fenced';
  end if;
  return null;
end $$;

-- Rows have changed their tenant, and rows of other tables depend on them without a tenant column of their
-- own. No writer may change those children while they change owner, so this waits for all writers and
-- makes older snapshots fail. Rare, hence not cheap.
create function rehome.exclude_writers(tenants text[]) returns void
  language plpgsql volatile as $$
declare
  bucket integer;
begin
  for bucket in select distinct rehome.bucket_of(t) from unnest(tenants) t order by 1 loop
    perform pg_catalog.pg_advisory_xact_lock(1919248495, bucket);
  end loop;
  update rehome.buckets b set epoch = b.epoch + 1
    where b.id in (select rehome.bucket_of(t) from unnest(tenants) t);
end $$;

-- Until the end of the transaction no READ COMMITTED writer of rows that may become anybody's is in. Such writers wait,
-- so the caller sets a short lock_timeout, and commits at once.
create function rehome.exclude_anyones() returns void
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(1919248495, 1024);
end $$;

-- Finishes a cutover whose worker has died. A writer that was refused by the end that the tenant has left
-- received the key of the end that is its home now. No process of rehome has to be alive.
-- true: this call opened it. Anything else changes nothing. Where the tenant may be brought back with
-- what it writes here, that is logged from the first write on.
create function rehome.open_with_key(opened_scope text, tenant text, key uuid) returns boolean
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  update rehome.tenant_flags f set mode = 'capturing', opened_by = null, moved_to = null,
      expires_at = clock_timestamp() + f.capture_ms * interval '1 ms',
      capture_until = clock_timestamp() + f.capture_ms * interval '1 ms', capture_ms = null
    where f.scope = opened_scope and f.tenant_id = tenant and f.opened_by = key
      and f.mode = 'receiving' and f.capture_ms is not null;
  if found then
    return true;
  end if;
  delete from rehome.tenant_flags f
    where f.scope = opened_scope and f.tenant_id = tenant and f.opened_by = key;
  return found;
end $$;

-- Which of these tenants may not be written here, and the details that a refused writer gets: for
-- applications that ask before they write. `*`, the whole application, is always included.
create function rehome.fences_of(asked_scope text, tenants text[]) returns table (
    tenant text, mode text, reason text, "retryAfterS" integer, indefinite boolean, "movedTo" text,
    key uuid)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select f.tenant_id, f.mode, f.reason, rehome.retry_after(f), coalesce(f.expires_at = 'infinity', false),
    f.moved_to, case f.mode when 'moved' then f.epoch end
  from rehome.tenant_flags f
  where f.scope = asked_scope and f.tenant_id = any (tenants || '*'::text) and f.mode <> 'capturing'
    and coalesce(f.expires_at > clock_timestamp(), true)
$$;

revoke all on all functions in schema rehome from public;
-- The key gives the right, and cannot be guessed.
grant usage on schema rehome to public;
grant select on rehome.passing_tables to public;
grant execute on function rehome.open_with_key(text, text, uuid) to public;
-- It tells no more than a write would, of whom the caller knows already.
grant execute on function rehome.fences_of(text, text[]) to public;
