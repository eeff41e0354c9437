/** Statements that are sent together: one call, and one wait for all of their answers. */
import type { QueryResult } from 'pg'
import type { Client, Pool } from '../../postgres.ts'

/**
 * Sends statements without parameters in one call, which may hold whole transactions. Returns their
 * results; throws what the first of them fails with, and the rest is not done.
 */
export async function queryTogether(
  db: Pool | Client,
  statements: readonly string[],
  options?: object,
): Promise<QueryResult[]> {
  if (statements.length === 0) return []
  const text = statements.join('; ')
  const answers: QueryResult | QueryResult[] = await (options
    ? db.query({ ...options, text })
    : db.query(text))
  return Array.isArray(answers) ? answers : [answers]
}
