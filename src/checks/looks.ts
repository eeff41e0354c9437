/**
 * Trials at the ends before a run begins, beside their catalogues: whether guards
 * work there, and whether the plan's expressions mean the same in every session. Reads only.
 */

import type { End, Ends } from '../ends/end.ts'
import { dependentExpressions } from '../ends/postgres/catalog/expression-settings.ts'
import { findUnindexed, findWithoutTenant } from '../ends/postgres/catalog/rows-without-tenant.ts'
import { findUnsteadyConditions } from '../ends/postgres/catalog/way-conditions.ts'
import { guardTrouble } from '../ends/postgres/fence/guard-probe.ts'
import type { Finding } from '../plan/catalogs/catalog.ts'
import type { EndTable } from '../plan/routing/route.ts'
import { idents, qualified } from '../quote.ts'
import { sessionSettings } from '../session-settings.ts'
import type { Survey } from './survey.ts'

export async function lookFindings(survey: Survey, ends: Ends): Promise<Finding[]> {
  return [
    ...(await guardFindings(survey)),
    ...(await expressionFindings(survey, ends)),
    ...(await tenantlessFindings(survey, ends.source)),
    ...(await conditionFindings(ends.source, survey.sources)),
    ...(await conditionFindings(ends.target, survey.targets)),
    ...(await indexFindings(ends.source, survey.sources)),
    ...(await indexFindings(ends.target, survey.targets)),
  ]
}

/** Rows that would stay without a word, as nothing says whose they are. */
async function tenantlessFindings({ sources }: Survey, { sql }: End): Promise<Finding[]> {
  if (!sql) return []
  const found = await findWithoutTenant(sql.pool, { schema: sql.schema, tables: sources })
  return found.map(({ table, without, loose, kinds, recursive }) => {
    const orNone = recursive ? ', or to rows that lead to none' : ''
    const facts = [
      without > 0
        ? `${without} rows have no tenant${kinds.length > 0 ? ` (${kinds.join('; ')})` : ''}`
        : [],
      loose > 0 ? `${loose} rows refer to a row that does not exist${orNone}` : [],
    ].flat()
    const message = `${facts.join(', and ')}: remove or change them, or say \`nobody: 'stay'\`, and such rows stay where they are`
    return { where: `table "${table}"`, message }
  })
}

/** Each guard, copy, comparison and removal finds rows by these columns. */
async function indexFindings({ name, sql }: End, tables: readonly EndTable[]): Promise<Finding[]> {
  if (!sql) return []
  const { schema } = sql
  const found = await findUnindexed(sql.pool, { schema, tables })
  return found.map(({ table, columns }) => {
    const create = `create index on ${qualified(schema, table)} (${idents(columns)})`
    const message = `no index begins with (${columns.join(', ')}), by which its rows are found: \`${create}\``
    return { where: `${name} table "${table}"`, message }
  })
}

/** Guards ask conditions in the sessions of the application. */
async function conditionFindings(
  { name, sql }: End,
  tables: readonly EndTable[],
): Promise<Finding[]> {
  if (!sql) return []
  const found = await findUnsteadyConditions(sql.pool, { schema: sql.schema, tables })
  return found.map(({ table, condition, why }) => {
    const message = `the condition \`${condition}\` ${why}: compare columns of \`r\` with constants alone`
    return { where: `${name} table "${table}"`, message }
  })
}

/** Also of guards that stand: what they refer to may have been moved or dropped since. */
async function guardFindings({ guarded }: Survey): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const one of guarded) {
    const trouble = await guardTrouble(one.end.pool, one)
    if (trouble === null) continue
    const message = `a guard would fail every write of it: ${trouble}`
    findings.push({ where: `${one.end.name} table "${one.table.name}"`, message })
  }
  return findings
}

async function expressionFindings({ routes }: Survey, { source }: Ends): Promise<Finding[]> {
  const findings: Finding[] = []
  if (!source.sql) return findings
  for (const route of routes) {
    for (const { column, setting } of await dependentExpressions(source.sql, route)) {
      const what = `\`columns.compute\` of "${column}" depends on the session's ${setting}`
      const message = `${what}, which is ${sessionSettings[setting]} here whatever the application has: ${instead[setting]}`
      findings.push({ where: `table "${route.source.name}"`, message })
    }
  }
  return findings
}

const instead: Readonly<Record<string, string>> = {
  TimeZone: "name the time zone in it, such as `r.at at time zone 'Europe/Berlin'`",
  DateStyle: 'name the format in it, as `to_date` and `to_char` do',
}
