/**
 * Trials at the ends before a run begins, beside their catalogues: whether guards
 * work there, and whether the plan's expressions mean the same in every session. Reads only.
 */

import type { End, Ends } from '../ends/end.ts'
import { dependentExpressions } from '../ends/postgres/catalog/expression-settings.ts'
import { findWithoutTenant } from '../ends/postgres/catalog/rows-without-tenant.ts'
import { findingsOfWays } from '../ends/postgres/catalog/way-findings.ts'
import { guardTrouble } from '../ends/postgres/fence/guard-probe.ts'
import { missingGuards } from '../ends/postgres/fence/guard-sql.ts'
import { installerTrouble } from '../ends/postgres/fence/install-guard.ts'
import { oneByOne } from '../parallel.ts'
import type { Finding } from '../plan/catalogs/catalog.ts'
import type { EndTable } from '../plan/routing/route.ts'
import { sqlStateOf } from '../postgres.ts'
import { qualified } from '../quote.ts'
import { sessionSettings } from '../sessions/settings.ts'
import type { Survey } from './survey.ts'

export async function lookFindings(survey: Survey, ends: Ends): Promise<Finding[]> {
  const guards = await guardFindings(survey)
  // What a guard cannot ask of rows, no look for their tenants can.
  const isAskable = ({ table }: EndTable) =>
    !guards.some(({ where }) => where === tableAt('source', table.name))
  return [
    ...guards,
    ...(await installerFindings(survey)),
    ...(await expressionFindings(survey, ends)),
    ...(await tenantlessFindings(survey.sources.filter(isAskable), ends.source)),
    ...(await wayFindings(ends.source, survey.sources)),
    ...(await wayFindings(ends.target, survey.targets)),
  ]
}

/** Workers install the guards that stand only while tenants move, unless they stand already. */
async function installerFindings({ guarded }: Survey): Promise<Finding[]> {
  const missing = guarded.filter((one) => one.passing && missingGuards(one).length > 0)
  const ends = new Map(missing.map(({ end }) => [end.name, end]))
  const findings = await oneByOne([...ends.values()], async ({ name, pool }) => {
    const tables = missing.flatMap(({ end, schema, table }) =>
      end.name === name ? qualified(schema, table.name) : [],
    )
    const message = await installerTrouble(pool, tables)
    return message === null ? [] : [{ where: `${name} role`, message }]
  })
  return findings.flat()
}

/** Rows that would stay without a report, as nothing tells whose they are. */
async function tenantlessFindings(tables: readonly EndTable[], { sql }: End): Promise<Finding[]> {
  if (!sql) return []
  const rows = await findWithoutTenant(sql.pool, { schema: sql.schema, tables }).catch(
    unlessUnreadable,
  )
  return rows.map(({ table, without, loose, kinds, recursive, referrers }) => {
    const orNone = recursive ? ', or to rows that lead to none' : ''
    const facts = [
      without > 0
        ? `${without} rows have no tenant${kinds.length > 0 ? ` (${kinds.join('; ')})` : ''}`
        : [],
      loose > 0 && referrers.length > 0
        ? `${loose} rows have no tenant, as no row refers to them (${referrers.join('; ')})`
        : [],
      loose > 0 && referrers.length === 0
        ? `${loose} rows refer to a row that does not exist${orNone}`
        : [],
    ].flat()
    const message = `${facts.join(', and ')}: remove or change them, or set \`nobody: 'stay'\`, and such rows stay where they are`
    return { where: `table "${table}"`, message }
  })
}

/** Rows that our role may not read are a finding of their own. */
function unlessUnreadable(error: unknown): [] {
  if (sqlStateOf(error) === '42501') return []
  throw error
}

/** Conditions and indexes of the ways, where the end is asked by SQL. */
async function wayFindings({ name, sql }: End, tables: readonly EndTable[]): Promise<Finding[]> {
  return sql ? await findingsOfWays(sql, tables, (table) => tableAt(name, table)) : []
}

/** Also of guards that stand: what they refer to may have been moved or dropped since. */
async function guardFindings({ guarded }: Survey): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const one of guarded) {
    const trouble = await guardTrouble(one.end.pool, one)
    if (trouble === null) continue
    const message = `a guard would fail every write of it: ${trouble}`
    findings.push({ where: tableAt(one.end.name, one.table.name), message })
  }
  return findings
}

function tableAt(end: 'source' | 'target', name: string): string {
  return `${end} table "${name}"`
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
