-- After control.sql, in the control database, if workers have REHOME_WEBHOOK_URL.
--
--   psql "$ADMIN_URL" -v control=rehome_control -f examples/roles/webhooks.sql
grant select, update, delete on rehome_control.webhook_messages to :"control";
grant select, insert, update, delete on rehome_control.webhook_runs to :"control";
grant update (webhooks, windows_told_until) on rehome_control.installation to :"control";
