-- Before `rehome init`, in each of the three databases: the owner of the application's tables, as
-- whom `init` runs, may make the schemas that rehome needs. No other program ever has to be this role.
--
--   psql "$ADMIN_URL" -v owner=tracker_owner -f examples/roles/owner.sql
grant create on database :"DBNAME" to :"owner";
