/** Contradictions in a plan's two models. Pure. */
import type { Finding } from '../plan/catalogs/catalog.ts'
import type { Plan } from '../plan/plan.ts'
import type { Route } from '../plan/routing/route.ts'
import type { Routing } from '../plan/routing/routes.ts'
import type { Checked } from './check.ts'

export function modelFindings({ plan, routing }: Checked): Finding[] {
  return [
    ...routing.routes.flatMap((route) => idFindings(plan, route, routing.routes)),
    ...lonelyTables(plan, routing),
  ]
}

/** An id that stays what it was, where others become new ones, is somebody else's. */
function idFindings({ newIds }: Plan, route: Route, routes: readonly Route[]): Finding[] {
  const { source, stream } = route
  const where = stream ? `stream "${stream.name}"` : `table "${source.name}"`
  const findings: Finding[] = []
  for (const [column, space] of Object.entries(route.newIds)) {
    if (!source.columns.some(({ name }) => name === column)) {
      findings.push({
        where,
        message: `\`newIds\` names column "${column}", which it does not have`,
      })
    }
    if (!Object.hasOwn(newIds, space)) {
      findings.push({ where, message: `\`newIds\` of the plan have no "${space}"` })
    }
  }
  for (const key of stream ? [] : source.foreignKeys) {
    const parent = routes.find((other) => !other.stream && other.source.name === key.parent)
    for (const [i, column] of key.columns.entries()) {
      const theirs = parent?.newIds[key.parentColumns[i] ?? '']
      if (theirs === route.newIds[column]) continue
      const message = `"${column}" refers to "${key.parent}", whose ids become others: give both the same \`newIds\``
      findings.push({ where, message })
    }
  }
  return findings
}

/**
 * A table that no row comes from or to would be emptied for nothing. One that goes across has
 * findings of its own where it has no route.
 */
function lonelyTables(plan: Plan, { routes, sources, targets }: Routing): Finding[] {
  const streams = plan.tables.filter((entry) => entry.kind === 'stream')
  const sided = (side: 'source' | 'target') =>
    new Set(
      plan.tables.flatMap((entry) =>
        entry.kind === 'table' && entry.side === side ? entry.name : [],
      ),
    )
  const read = sided('source')
  const filled = new Set([...sided('target'), ...streams.flatMap(({ to }) => to)])
  // What a query reads is seen before a tenant is fenced.
  const queries = streams.some(({ from }) => typeof from === 'function')
  const unread = sources.filter(
    ({ table }) =>
      read.has(table.name) && !queries && !routes.some(({ source }) => source.name === table.name),
  )
  const unfilled = targets.filter(
    ({ table }) =>
      filled.has(table.name) && !routes.some(({ target }) => target.name === table.name),
  )
  return [
    ...unread.map(({ table }) => {
      return {
        where: `table "${table.name}"`,
        message: 'is read by no stream: put it into `exclude`',
      }
    }),
    ...unfilled.map(({ table }) => {
      return { where: `target table "${table.name}"`, message: 'is filled by no stream' }
    }),
  ]
}
