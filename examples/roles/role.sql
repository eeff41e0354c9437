-- One login role that may do nothing yet. For each of: owner, application, mover (one at each end,
-- which may have the same name), control.
--
--   psql "$ADMIN_URL" -v role=rehome_mover -f examples/roles/role.sql
--   psql "$ADMIN_URL" -c '\password rehome_mover'
create role :"role"
  login nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
