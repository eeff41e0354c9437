-- At the target, where plans give rows new ids (`newIds`) or let bad rows stay behind
-- (`quarantine`); beside target.sql. The mover also needs what the expressions of `newIds` do, such
-- as usage of a sequence. Where shared tables have `newIds`, and plans a rollback window, at the
-- source, too.
--   psql "$ADMIN_URL" -v mover=rehome_mover -f examples/roles/models.sql
grant insert on rehome.quarantine to :"mover";
grant select, insert, delete on rehome.new_ids to :"mover";
