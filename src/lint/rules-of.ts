/** All rules, in the order in which they are listed. */
import type { Dialect } from './lint.ts'
import { mysqlRules } from './mysql/lint-mysql.ts'
import type { RuleText } from './rule.ts'
import { postgresRules } from './rules/all.ts'

export function rulesOf(dialect: Dialect): readonly RuleText[] {
  return dialect === 'mysql' ? mysqlRules : postgresRules
}
