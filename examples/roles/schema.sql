-- After source.sql or target.sql, at each end whose schema `rehome schema` changes. The files of the
-- plan begin with SET ROLE and the owner of the tables; what has run is recorded as the mover.
--
--   psql "$ADMIN_URL" -v mover=rehome_mover -v owner=app_owner -f examples/roles/schema.sql
grant :"owner" to :"mover";
grant select, insert, update on rehome.schema_statements to :"mover";
