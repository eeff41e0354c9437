/** Rows that are followed while a tenant writes: on the way there, and on the way back. */
import type { ImmediateIndex } from '../../ends/postgres/catalog/immediate-indexes.ts'
import { logShapeOf } from '../../ends/postgres/changes/logged-tables.ts'
import type { CatalogReference, CatalogTable, Finding } from '../../plan/catalogs/catalog.ts'
import { actsOnUpdate } from '../../plan/catalogs/dependents.ts'
import { hasNewIds } from '../../plan/new-ids.ts'
import { parentsFirst } from '../../plan/routing/order.ts'
import type { Route } from '../../plan/routing/route.ts'
import { columnsLeft, wayBack } from '../../plan/routing/way-back.ts'
import type { Checked } from '../check.ts'
import { privilegesMissing } from './privileges.ts'

type EndName = 'source' | 'target'

/** Changed rows are replaced while others stay that refer to them, and are found by their keys. */
export function onlineFindings(checked: Checked): Finding[] {
  if (checked.plan.strategy !== 'online') return []
  const { target } = checked
  const { routes } = checked.routing
  const logsWhole = logsWholeRows(checked)
  const findings: Finding[] = []
  if (!target.mayReplicate) findings.push(...notInPlace('target', 'an online move', checked))
  for (const route of routes) {
    const { source, plan } = route
    const where = `table "${source.name}"`
    const only = (what: string) => findings.push({ where, message: `${what} is for offline moves` })
    if (hasNewIds(route)) only('`newIds`')
    if (plan.quarantine) only('`quarantine`')
  }
  for (const { stream } of routes) {
    if (!stream) continue
    const message =
      'has no log of changes: online moves support tables only, offline moves also streams'
    findings.push({ where: `stream "${stream.name}"`, message })
  }
  for (const route of routes) {
    const reading = Object.entries(route.plan.columns.compute).find(([, { sql }]) =>
      /\bselect\b/i.test(sql),
    )
    if (reading) {
      const message = `online, \`columns.compute\` of "${reading[0]}" may read nothing but its row`
      findings.push({ where: `table "${route.source.name}"`, message })
    }
    const unfilled = route.targetKey.find((name) => !route.columns.some((c) => c.name === name))
    if (!route.transform && unfilled !== undefined) {
      const message = `an online move finds rows by "${unfilled}", which the plan does not fill`
      findings.push({ where: `target table "${route.target.name}"`, message })
    }
    findings.push(...keyFindings('source', route.source, route.sourceKey))
    if (!target.mayReplicate) {
      findings.push(...privilegesMissing('target', route.target, ['UPDATE']))
    }
    findings.push(...keyFindings('target', route.target, route.targetKey))
    findings.push(...jsonFindings('source', route, logsWhole || logShapeOf(route, routes).whole))
  }
  return findings
}

/**
 * Findings about the way back. Writes at the target go back by the same means; what cannot go back
 * needs none.
 */
export function backFindings(checked: Checked): Finding[] {
  const { plan, routing, source } = checked
  if (plan.rollback.windowMs === 0) return []
  const logsWhole = logsWholeRows(checked)
  const all = routing.routes.map(wayBack)
  const back = all.filter((route) => !route.blocked)
  const findings: Finding[] = []
  if (back.length > 0 && !source.mayReplicate) {
    findings.push(...notInPlace('source', 'a rollback that keeps writes', checked))
  }
  for (const route of back) {
    const updates = columnsLeft(route).length > 0 || !source.mayReplicate
    const update = updates ? ['UPDATE'] : []
    findings.push(...privilegesMissing('source', route.target, ['INSERT', 'DELETE', ...update]))
    findings.push(...keyFindings('target', route.source, route.sourceKey))
    findings.push(...keyFindings('source', route.target, route.targetKey))
    findings.push(...jsonFindings('target', route, logsWhole || logShapeOf(route, all).whole))
  }
  const instead = 'or set `rollback: { windowMs: 0 }`'
  return findings.map(({ where, message }) => ({ where, message: `${message}; ${instead}` }))
}

/** An end is reached over HTTP: old rows are always logged whole. */
function logsWholeRows({ plan }: Checked): boolean {
  return [plan.source, plan.target].some(({ kind }) => kind !== 'sql')
}

const grant = '`grant set on parameter session_replication_role`'

/** Reasons why changed rows cannot come in place, where foreign keys stay on. */
function notInPlace(where: EndName, what: string, checked: Checked): Finding[] {
  const { plan, routing } = checked
  const needs = `${what} needs ${grant} for our role`
  const temporary = `${what} needs ${grant} or \`grant temporary on database\` for our role`
  const { sources, targets, shared } = routing
  const remote = [plan.source, plan.target].some(({ kind }) => kind !== 'sql')
  const { cycle } = parentsFirst((where === 'source' ? sources : targets).map((t) => t.table))
  return [
    ...(checked[where].mayKeepTemporary === false ? [{ where, message: temporary }] : []),
    ...(remote ? [{ where, message: `${needs}, as an end is reached over HTTP` }] : []),
    ...(shared.length > 0 ? [{ where, message: `${needs}, as tables are \`shared\`` }] : []),
    ...(where === 'source' && cycle.length > 0
      ? [
          {
            where: `source ${cycle.map((name) => `"${name}"`).join(' → ')}`,
            message: `foreign keys form a circle: ${needs}`,
          },
        ]
      : []),
  ]
}

/** Constraints that may keep changed rows from coming in place, one by one. */
export function inPlaceNotes({ plan, source, target, routes }: Noted, all: Indexes): Finding[] {
  const there = plan.strategy === 'online' && !target.mayReplicate
  const back = plan.rollback.windowMs > 0 && !source.mayReplicate
  const ends: EndName[] = []
  if (there) ends.push('target')
  if (back) ends.push('source')
  return ends.flatMap((where) =>
    routes.flatMap((route) => {
      const [table, key, path] =
        where === 'target'
          ? [route.target, route.targetKey, route.targetPath]
          : [route.source, route.sourceKey, route.sourcePath]
      const stays = path.kind === 'column' ? [...key, path.column] : key
      return [
        ...all[where]
          .filter(({ table: of, columns }) => of === table.name && !areAmong(columns, key))
          .map(({ name }) => exchangedNote(where, table, name)),
        ...table.references
          .filter((one) => !one.undeclared && !areAmong(one.parentColumns, stays))
          .filter((one) => actsOnUpdate(one) || !one.deferrable)
          .map((one) => referredNote(where, table, one)),
      ]
    }),
  )
}

function areAmong(columns: readonly string[] | null, key: readonly string[]): boolean {
  return columns?.every((name) => key.includes(name)) ?? false
}

function exchangedNote(where: EndName, table: CatalogTable, name: string): Finding {
  const message = `rows that exchange values of "${name}" between two rounds of an online move cannot come one by one, and fail it with ID_COLLISION: ${grant} to our role, or make the constraint deferrable`
  return { where: `${where} table "${table.name}"`, message }
}

function referredNote(where: EndName, table: CatalogTable, key: CatalogReference): Finding {
  const columns = key.parentColumns.map((name) => `"${name}"`).join(', ')
  const message = `"${key.table}" refers by "${key.name}" to ${columns}, beside the key: where these get other values between two rounds of an online move, rows may not come one by one, and fail it with ID_COLLISION or FOREIGN_KEY_BROKEN: ${grant} to our role, or make the key \`no action deferrable\``
  return { where: `${where} table "${table.name}"`, message }
}

interface Indexes {
  readonly source: readonly ImmediateIndex[]
  readonly target: readonly ImmediateIndex[]
}

type Noted = Pick<Checked, 'plan' | 'source' | 'target'> & { readonly routes: readonly Route[] }

/** `whole`: old rows are logged with all that is in them. */
function jsonFindings(end: EndName, route: Route, whole: boolean): Finding[] {
  const json = route.source.columns.find(({ typeName }) => /^_?json$/.test(typeName))
  if (!json || !whole) return []
  const message = `old rows are logged as jsonb, which cannot hold all that column "${json.name}" of type json can`
  return [{ where: `${end} table "${route.source.name}"`, message }]
}

function keyFindings(end: EndName, table: CatalogTable, key: readonly string[]): Finding[] {
  const where = `${end} table "${table.name}"`
  const findings: Finding[] = []
  if (!table.uniques.some((unique) => unique.columns.every((name) => key.includes(name)))) {
    const message = `an online move finds rows by (${key.join(', ')}), which no unique index has`
    findings.push({ where, message })
  }
  const nullable = key.find((name) => !table.columns.some((c) => c.name === name && c.notNull))
  if (nullable !== undefined) {
    const message = `an online move finds rows by "${nullable}", which may be null`
    findings.push({ where, message })
  }
  return findings
}
