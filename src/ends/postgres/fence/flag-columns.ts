/** The columns of rehome.tenant_flags as a `Flag` has them. */
export const flagColumns = `mode, token, epoch, move_id as "moveId", moved_to as "movedTo",
  rows_are_ours as "rowsAreOurs",
  coalesce(expires_at <= clock_timestamp(), false) as lapsed, capture_until as "captureUntil",
  coalesce(capture_until > clock_timestamp(), false) as "inWindow",
  (extract(epoch from clock_timestamp() - raised_at) * 1000)::float8 as "heldMs"`
