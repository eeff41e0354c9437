/** All rules, in the order in which they are listed. */
import type { Dialect } from './lint.ts'
import { mysqlRules } from './mysql/lint-mysql.ts'
import type { RuleText } from './rule.ts'
import { ruleText } from './rule-pages.ts'
import { postgresRules } from './rules/all.ts'

export function rulesOf(dialect: Dialect): readonly RuleText[] {
  return Object.keys(dialect === 'mysql' ? mysqlRules : postgresRules).map(ruleText)
}
