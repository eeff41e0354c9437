/** All rules for PostgreSQL, in the order in which the documentation lists them. */
import type { PostgresRules } from '../postgres/site.ts'
import { columnRules } from './columns.ts'
import { constraintRules } from './constraints.ts'
import { indexRules } from './indexes.ts'
import { moveRules } from './moves.ts'
import { newColumnRules } from './new-columns.ts'
import { partitionRules } from './partitions.ts'
import { rowRules } from './rows.ts'
import { tableRules } from './table-rules.ts'
import { transactionRules } from './transactions.ts'
import { typeRules } from './types.ts'

/** lint-postgres.ts reports the file itself, or a comment in it. */
const whileReading = () => null

export const postgresRules: PostgresRules = {
  ...newColumnRules,
  ...columnRules,
  ...constraintRules,
  ...indexRules,
  ...tableRules,
  ...typeRules,
  ...partitionRules,
  ...transactionRules,
  ...rowRules,
  ...moveRules,
  syntax: whileReading,
  'builder-call': whileReading,
  'allow-comment': whileReading,
  'batches-comment': whileReading,
}
