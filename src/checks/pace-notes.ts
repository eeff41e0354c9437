/** Notes on a plan's pace: where it has nothing to slow down, and what our role is not shown. */
import type { End, Ends } from '../ends/end.ts'
import type { Finding } from '../plan/catalogs/catalog.ts'
import type { Plan } from '../plan/plan.ts'

export async function paceNotes({ pace, strategy }: Plan, ends: Ends): Promise<Finding[]> {
  if (!pace) return []
  const notes: Finding[] = []
  if (strategy === 'offline') {
    const message =
      '`pace`: an offline move copies and compares under the fence, where nothing rests: only rehearsals, withdrawals and clean-ups of this plan give way'
    notes.push({ where: 'plan', message })
  }
  for (const end of [ends.source, ends.target]) {
    if (await mayTimeCommits(end)) continue
    const message =
      '`pace`: our role may not call pg_logical_emit_message, so how long commits take there is unknown and does not count: grant execute on that function'
    notes.push({ where: end.name, message })
  }
  const looked = [pace.active && '`pace.active`', pace.lagMs && '`pace.lagMs`'].filter(Boolean)
  if (looked.length === 0) return notes
  for (const end of [ends.source, ends.target]) {
    if (await isShownAll(end)) continue
    const message = `${looked.join(' and ')}: our role at the ${end.name} is shown its own sessions alone: grant it pg_read_all_stats`
    notes.push({ where: end.name, message })
  }
  return notes
}

/** Whether our role may call it. Versions of the server differ in its parameters. */
async function mayTimeCommits({ sql, rows }: End): Promise<boolean> {
  if (!sql) return true
  const query = `select coalesce(pg_catalog.bool_and(
      pg_catalog.has_function_privilege(p.oid, 'execute')), false)::text
    from pg_catalog.pg_proc p where p.proname = 'pg_logical_emit_message'
      and p.pronamespace = 'pg_catalog'::regnamespace and p.proargtypes[2] = 'text'::regtype`
  return (await rows.ask(query, 1)).rows[0]?.[0] === 'true'
}

async function isShownAll({ sql, rows }: End): Promise<boolean> {
  if (!sql) return true
  const query = "select pg_catalog.pg_has_role('pg_read_all_stats', 'usage')::text"
  return (await rows.ask(query, 1)).rows[0]?.[0] === 'true'
}
