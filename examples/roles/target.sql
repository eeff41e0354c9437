-- After `rehome init`, at the target. Run it again after each upgrade and for each new table.
--
--   psql "$ADMIN_URL" -v schema=public -v application=tracker -v mover=rehome_mover \
--     -f examples/roles/target.sql

-- The application, as at the source.
grant usage on schema :"schema" to :"application";
grant select, insert, update, delete on all tables in schema :"schema" to :"application";
grant usage on all sequences in schema :"schema" to :"application";

-- The mover brings rows, and removes those of an attempt that failed.
grant usage on schema :"schema" to :"mover";
grant select, insert, delete on all tables in schema :"schema" to :"mover";
-- Sequences are brought past the ids that came.
grant select, update on all sequences in schema :"schema" to :"mover";
grant select, insert, update, delete on rehome.tenant_flags to :"mover";
grant select, insert, update on rehome.turns to :"mover";
grant select, insert, update, delete on rehome.copy_progress to :"mover";
grant select, delete on rehome.quarantine to :"mover";
grant select, insert, update, delete on rehome.checkpoints to :"mover";
grant select, insert, update, delete on rehome.changed_keys to :"mover";
grant select, update on rehome.buckets to :"mover";
-- Plans with `guards: 'while moving'` enter their runs there.
grant select, insert on rehome.guarded_runs to :"mover";
grant execute on function rehome.bucket_of(text), rehome.exclude_anyones() to :"mover";
-- It reads and forgets what the tenant has written here since it came.
grant usage on schema rehome_log to :"mover";
grant select, delete on all tables in schema rehome_log to :"mover";

-- Online moves, and tables whose foreign keys form a circle, need one right more, which only a
-- superuser can give, from PostgreSQL 15 on, and which makes every copy about twice as fast. Guards
-- stand all the same.
-- grant set on parameter session_replication_role to :"mover";
-- Without it online moves bring changed rows in place, and need these.
-- grant update on all tables in schema :"schema" to :"mover";
-- grant temporary on database … to :"mover";
