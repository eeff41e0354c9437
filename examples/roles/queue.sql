-- Only without Redis: BullMQ's tables in the control database. After `rehome init`.
--
--   psql "$ADMIN_URL" -v control=rehome_control -f examples/roles/queue.sql

-- BullMQ makes a sequence for each queue with its first job.
grant usage, create on schema bullmq to :"control";
grant select, insert, update, delete on all tables in schema bullmq to :"control";
grant usage on all sequences in schema bullmq to :"control";
