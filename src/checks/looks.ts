/**
 * Trials at the ends before a run begins, beside their catalogues: whether guards
 * work there, and whether the plan's expressions mean the same in every session. Reads only.
 */

import type { Ends } from '../ends/end.ts'
import { dependentExpressions } from '../ends/postgres/catalog/expression-settings.ts'
import { guardTrouble } from '../ends/postgres/fence/guard-probe.ts'
import type { Finding } from '../plan/catalogs/catalog.ts'
import { sessionSettings } from '../session-settings.ts'
import type { Survey } from './survey.ts'

export async function lookFindings(survey: Survey, ends: Ends): Promise<Finding[]> {
  return [...(await guardFindings(survey)), ...(await expressionFindings(survey, ends))]
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
