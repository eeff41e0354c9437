-- After `rehome init`, in the control database: workers, the board, and scripts that enqueue.
--
--   psql "$ADMIN_URL" -v control=rehome_control -f examples/roles/control.sql
grant usage on schema rehome_control to :"control";
-- An enqueue chooses its tenants in a temporary table; BullMQ has one for many jobs.
grant temporary on database :"DBNAME" to :"control";
grant select on rehome_control.installation to :"control";
grant select on rehome_control.migrations to :"control";
grant update (moves_at_once, waves_due_at, queue_pauses, keep_events_ms)
  on rehome_control.installation to :"control";
grant update (paused, priority, wave, wave_ended_at, approved_wave, overridden_wave,
  gate_asked_at, gate_answer, events_gone_until, events_gone_after) on rehome_control.runs to :"control";
grant select, insert, update, delete on rehome_control.server_slots to :"control";
grant select, insert on rehome_control.runs to :"control";
grant select, insert, update on rehome_control.moves to :"control";
-- Changed by the triggers of moves.
grant select, insert, update on rehome_control.run_counts to :"control";
grant select, insert, update, delete on rehome_control.workers to :"control";
grant usage on sequence rehome_control.turns to :"control";
-- What happened can be added to, and never changed. Workers remove events when their retention is over.
grant select, insert on rehome_control.events, rehome_control.run_events to :"control";
grant delete on rehome_control.events to :"control";
-- Written with what they tell, if there is a receiver: see webhooks.sql.
grant insert on rehome_control.webhook_messages to :"control";
-- Every worker forgets old ones, whether or not there is a receiver.
grant select (ended_at, give_up_at), delete on rehome_control.webhook_messages to :"control";
