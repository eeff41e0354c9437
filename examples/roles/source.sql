-- After `rehome init`, at the source. Run it again after each upgrade and for each new table.
--
--   psql "$ADMIN_URL" -v schema=public -v application=tracker -v mover=rehome_mover \
--     -f examples/roles/source.sql

-- The application lives as before, and has no right at all on rehome's tables: its guards run as
-- their owner. It must not own its tables (an owner can drop a guard), and has no TRUNCATE.
grant usage on schema :"schema" to :"application";
grant select, insert, update, delete on all tables in schema :"schema" to :"application";
grant usage on all sequences in schema :"schema" to :"application";

-- The mover reads the planned tables, ...
grant usage on schema :"schema" to :"mover";
grant select on all tables in schema :"schema" to :"mover";
-- ... removes the old copy in a clean-up (without it everything else works), ...
grant delete on all tables in schema :"schema" to :"mover";
-- ... brings back what was written at the target (without it plans say `rollback: { windowMs: 0 }`;
-- it needs `set` on session_replication_role, too, see target.sql), ...
grant insert, update on all tables in schema :"schema" to :"mover";
grant select, update on all sequences in schema :"schema" to :"mover";
grant select, insert, update, delete on rehome.checkpoints to :"mover";
grant select, insert, update, delete on rehome.changed_keys to :"mover";
-- ... and raises, renews and lowers fences.
grant select, insert, update, delete on rehome.tenant_flags to :"mover";
grant select, insert, update on rehome.turns to :"mover";
grant select, update on rehome.buckets to :"mover";
-- Plans with `guards: 'while moving'` enter their runs there.
grant select, insert on rehome.guarded_runs to :"mover";
grant execute on function rehome.bucket_of(text), rehome.exclude_anyones() to :"mover";
-- It reads and forgets what is logged of a captured tenant's changes.
grant usage on schema rehome_log to :"mover";
grant select, delete on all tables in schema rehome_log to :"mover";
