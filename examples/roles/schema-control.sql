-- After control.sql, in the control database, if a plan has `schema`.
--
--   psql "$ADMIN_URL" -v control=rehome_control -f examples/roles/schema-control.sql
grant select, insert on rehome_control.schema_statements to :"control";
