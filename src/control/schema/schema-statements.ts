/** Named queries on the record of schema changes, and on what a contraction has to wait for. */
import type { Control, NewSchemaStatement, SchemaStatement } from '../database.ts'

export async function addSchemaStatement(
  control: Control,
  statement: NewSchemaStatement,
): Promise<void> {
  await control.db.insertInto('schema_statements').values(statement).execute()
}

/** In the order in which they ran. */
export async function schemaStatementsOf(
  control: Control,
  plan: string,
): Promise<SchemaStatement[]> {
  const query = control.db.selectFrom('schema_statements').selectAll()
  return await query.where('plan_name', '=', plan).orderBy('id').execute()
}

export interface UnfinishedMoves {
  /** Errands under way or asked for; audits do not count. */
  readonly open: number
  /** Tenants that may still be brought back with what they have written. */
  readonly inWindow: number
  readonly windowUntil: Date | null
  /** Tenants that have moved. */
  readonly moved: number
}

/** Moves of all runs of the plan. One that is being audited stands where it stood: it has moved. */
export async function unfinishedMoves(control: Control, plan: string): Promise<UnfinishedMoves> {
  const query = `select count(*) filter (where m.open and m.errand <> 'audit')::int as open,
      count(*) filter (where m.phase in ('moved', 'audit')
        and m.window_until > clock_timestamp())::int as "inWindow",
      max(m.window_until) filter (where m.phase in ('moved', 'audit')) as "windowUntil",
      count(*) filter (where m.phase in ('moved', 'audit', 'cleaned'))::int as moved
    from rehome_control.moves m join rehome_control.runs r on r.id = m.run_id
    where r.plan_name = $1 and not r.rehearsal`
  return (await control.pool.query(query, [plan])).rows[0]
}
