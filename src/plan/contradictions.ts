/**
 * Finds fields that are right by themselves and contradict each other. Fields that are
 * absent are wrong by themselves; what does not need them is checked all the same. Pure.
 */
import { connectionsOf, type Endpoint, isOwn as hasOwn, hasSchemas } from './endpoint.ts'
import { contradictionsOfCutover } from './homes/cutover-plan.ts'
import { hasNewIds } from './new-ids.ts'
import type { Plan } from './plan.ts'
import { contradictionOf } from './routing/inverted-streams.ts'
import { contradictionsOfSchema } from './schema-plan.ts'

type Fields = Partial<Plan>

export function contradictionsIn(plan: Fields): string[] {
  return [
    ...contradictionsOfExclusions(plan),
    ...contradictionsOfEnds(plan),
    ...contradictionsOfSchemas(plan),
    ...contradictionsOfCutover(plan),
    ...contradictionsOfWindows(plan),
    ...contradictionsOfGuards(plan),
    ...contradictionsOfStreams(plan),
    ...contradictionsOfTables(plan),
    ...contradictionsOfConnections(plan),
    ...contradictionsOfSchema(plan),
  ]
}

/** Why a plan cannot be carried out by a worker with so many moves at once; null: it can. */
export function tooFewConnections(
  plan: Pick<Plan, 'name' | 'strategy' | 'rollback' | 'source' | 'target' | 'newIds'>,
  concurrency: number,
): string | null {
  const { name, strategy, rollback, source, target } = plan
  // One connection of each move keeps a snapshot, another one writes; one looks at the end. And new
  // ids are made while both ends are read and written.
  const needed = 2 * concurrency + 1
  const follows = strategy === 'online' || rollback.windowMs > 0 || hasNewIds(plan)
  if (!follows || Math.min(connectionsOf(source), connectionsOf(target)) >= needed) return null
  return `plan "${name}" follows changes or makes new ids: ${concurrency} moves at once need a poolSize of ${needed} at both ends`
}

function contradictionsOfConnections(plan: Fields): string[] {
  const { name, strategy, rollback, source, target, newIds, concurrency } = plan
  if (!name || !strategy || !rollback || !source || !target || !newIds || !concurrency) return []
  const parts = { name, strategy, rollback, source, target, newIds }
  return [tooFewConnections(parts, concurrency) ?? []].flat()
}

function contradictionsOfExclusions({ exclude = [] }: Fields): string[] {
  const twice = [...repeated(exclude.map(({ table }) => table))]
  return twice.map((table) => `plan field \`exclude\`: "${table}" is named twice`)
}

function contradictionsOfEnds(plan: Fields): string[] {
  const hasBothOrNone = (['source', 'target'] as const).filter((end) => {
    const { kind, ...at } = plan[end] ?? { kind: 'sql' }
    return kind !== 'sql' && 'baseUrl' in at === ('urlFrom' in at && at.urlFrom !== undefined)
  })
  const located = [...endsIn(plan)].filter(([, end]) => {
    return end.kind === 'sql' && (end.urlFrom === undefined) === (end.url === undefined)
  })
  return [
    ...hasBothOrNone.map(
      (end) => `plan field \`${end}\`: an end over HTTP has either \`baseUrl\` or \`urlFrom\``,
    ),
    ...located.map(
      ([field]) => `plan field \`${field}\`: a database has either \`urlFrom\` or \`url\``,
    ),
  ]
}

/** Field → end, of all ends that are written in the plan. */
function endsIn({ source, target, ends = {} }: Fields): Map<string, Endpoint> {
  const chosen = Object.entries({ source, target }).flatMap(([field, end]) => {
    return end && !(end.kind === 'sql' && end.among) ? [[field, end] as const] : []
  })
  const named = Object.entries(ends).map(([name, end]) => [`ends.${name}`, end] as const)
  return new Map([...chosen, ...named])
}

/** Finds what plans cannot have yet whose tenants have schemas of their own. */
function contradictionsOfSchemas(plan: Fields): string[] {
  const { tables = [] } = plan
  const ends = [plan.source, plan.target]
  const isOwn = ends.map((end) => end !== undefined && hasOwn(end))
  const ofSchemas = ends.map((end) => end !== undefined && hasSchemas(end))
  const needing = [
    ...(plan.prepare && !isOwn[1]
      ? ['`prepare`: the target has no schema or database for each tenant']
      : []),
    ...(plan.cleanup?.drop && !ofSchemas.includes(true)
      ? ['`cleanup.drop`: no end has a schema for each tenant']
      : []),
  ].map((what) => `plan field ${what}`)
  if (!isOwn.includes(true)) return [...needing, ...contradictionsOfChoice(plan)]
  const own = isOwn[0] ? 'source' : 'target'
  const wrong = [
    ends.some((end) => end && end.kind !== 'sql') && 'the other end over HTTP',
    tables.some(({ kind }) => kind === 'stream') && 'streams',
    plan.schema && 'schema changes of the plan (`schema`)',
    tables.some((entry) => entry.kind === 'table' && entry.side === 'shared') && '`shared`',
  ].filter((what) => typeof what === 'string')
  const excluded = wrong.map((what) => {
    return `plan field \`${own}\`: a schema or a database for each tenant excludes ${what}`
  })
  return [...needing, ...excluded]
}

/** Schema changes have two ends to run at. */
function contradictionsOfChoice({ source, target, schema }: Fields): string[] {
  if (!schema) return []
  return Object.entries({ source, target }).flatMap(([field, end]) => {
    if (end?.kind !== 'sql' || !end.among) return []
    return [
      `plan field \`${field}\`: a function that chooses an end excludes schema changes (\`schema\`)`,
    ]
  })
}

/** A writer that still has the old home in mind is refused by its guards alone. */
function contradictionsOfGuards({ guards, rollback }: Fields): string[] {
  if (guards !== 'while moving' || rollback?.windowMs !== 0) return []
  const needed = '`rollback.windowMs`, for which the old home goes on refusing late writes'
  return [`plan field \`guards\`: "while moving" needs ${needed}`]
}

function contradictionsOfWindows({ rollback, waves = [] }: Fields): string[] {
  if (!rollback || rollback.windowMs > 0) return []
  const what = 'there is nothing to audit without `rollback.windowMs`'
  const asking = waves.findIndex(({ gates }) => gates?.audited)
  return [
    ...(rollback.auditEveryMs > 0 ? [`plan field \`rollback.auditEveryMs\`: ${what}`] : []),
    ...(asking >= 0 ? [`plan field \`waves.${asking}.gates.audited\`: ${what}`] : []),
  ]
}

function contradictionsOfStreams({ tables = [] }: Fields): string[] {
  const streams = tables.filter((entry) => entry.kind === 'stream')
  const twice = [...repeated(streams.map(({ name }) => name))]
  return [
    ...streams.map(contradictionOf).filter((wrong) => wrong !== null),
    ...twice.map((name) => `plan field \`tables\`: stream "${name}" is named twice`),
  ]
}

function contradictionsOfTables({ tables = [], exclude = [] }: Fields): string[] {
  const named = tables
    .filter((entry) => entry.kind === 'table')
    .filter(({ side }) => side !== 'target')
  const twice = [...repeated(named.map(({ name }) => name))].map(
    (name) => `"${name}" is named twice`,
  )
  const wrong = named.flatMap(({ name, tenant, through, row, quarantine, transform }) => [
    exclude.some(({ table }) => table === name) ? `"${name}" is in \`exclude\`, too` : [],
    (row !== undefined || quarantine) && !transform
      ? `"${name}" has \`row\` or \`quarantine\`, which are for tables with a \`transform\``
      : [],
    tenant && through ? `"${name}" has both \`tenant\` and \`through\`: keep one` : [],
    new Set(through?.map(({ inverse }) => inverse)).size > 1
      ? `"${name}" has both \`through\` and \`referencedBy\`: keep one`
      : [],
    through?.some(({ columns, inverse }) => columns.length === 0 && !inverse)
      ? `"${name}" has a \`through\` without columns`
      : [],
  ])
  return [...twice, ...new Set(wrong.flat())].map((what) => `plan field \`tables\`: ${what}`)
}

/** Each once. */
function repeated(names: readonly string[]): Set<string> {
  return new Set(names.filter((name, i) => names.indexOf(name) < i))
}
