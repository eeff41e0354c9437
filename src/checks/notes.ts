/**
 * Notes about the two ends for the operator before tenants move, though none forbids it: shown by
 * `check`, and by nothing else. Reads only.
 */

import type { End, Ends } from '../ends/end.ts'
import { rowsTried, unsteadyExpressions } from '../ends/postgres/catalog/expression-settings.ts'
import { immediateIndexes } from '../ends/postgres/catalog/immediate-indexes.ts'
import { findReliances } from '../ends/postgres/catalog/path-reliance.ts'
import { unindexedMessage } from '../ends/postgres/catalog/way-findings.ts'
import { findSlowLooks } from '../ends/postgres/compare/strays.ts'
import type { Catalog, CatalogColumn, CatalogTable, Finding } from '../plan/catalogs/catalog.ts'
import { silentReactions } from '../plan/catalogs/dependents.ts'
import type { Plan } from '../plan/plan.ts'
import type { Route } from '../plan/routing/route.ts'
import { sqlStateOf } from '../postgres.ts'
import { literal } from '../quote.ts'
import { inPlaceNotes } from './catalogs/followed-rows.ts'
import { paceNotes } from './pace-notes.ts'
import { outsideNotes } from './reference-findings.ts'
import type { Survey } from './survey.ts'

export async function notesOf(plan: Plan, survey: Survey, ends: Ends): Promise<Finding[]> {
  return [
    ...(await paceNotes(plan, ends)),
    ...(await publicationNotes(ends.source)),
    ...(await publicationNotes(ends.target)),
    ...survey.routes.flatMap((route) => hiddenNotes(plan, route)),
    ...outsideNotes(survey),
    ...unindexedNotes('source', survey.source),
    ...unindexedNotes('target', survey.target),
    ...(await unloggedNotes(survey, ends.target)),
    ...silentNotes(survey, ends),
    ...inPlaceNotes({ ...survey, plan }, await immediateAt(ends)),
    ...(await rangeNotes(survey, ends)),
    ...(await slowLookNotes(plan, survey, ends)),
    ...(await relianceNotes(plan, survey, ends)),
    ...(await expressionNotes(survey, ends)),
  ]
}

async function immediateAt({ source, target }: Ends) {
  return {
    source: source.sql ? await immediateIndexes(source.sql) : [],
    target: target.sql ? await immediateIndexes(target.sql) : [],
  }
}

/** A subscriber gets every table of a publication, also those that rehome makes. */
export async function publicationNotes(end: End): Promise<Finding[]> {
  if (!end.sql) return []
  const query = `select pubname from pg_catalog.pg_publication where puballtables union
    select pubname from pg_catalog.pg_publication_tables where schemaname in ('rehome', 'rehome_log')`
  const { rows } = await end.rows.ask(query, 10)
  return rows.map(([name]) => ({
    where: end.name,
    message: `publication "${name}" carries rehome's own tables: a subscriber that lacks the schemas "rehome" and "rehome_log" stops there. Publish the application's schemas by name`,
  }))
}

/** Told by an end that is asked; at a database it is a finding. */
function unindexedNotes(end: 'source' | 'target', { schema, unindexed = [] }: Catalog): Finding[] {
  return unindexed.map((one) => {
    return { where: `${end} table "${one.table}"`, message: unindexedMessage(schema, one) }
  })
}

/** Rows that would be as durable there as a cache is. */
async function unloggedNotes({ targets }: Survey, { sql, rows: end }: End): Promise<Finding[]> {
  if (!sql) return []
  const query = `select c.relname from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${literal(sql.schema)} and c.relkind = 'r' and c.relpersistence = 'u'
    order by 1`
  const unlogged = new Set((await end.ask(query, 10_000)).rows.map(([name]) => name))
  return targets.flatMap(({ table: { name, partitions } }) =>
    [name, ...partitions]
      .filter((relation) => unlogged.has(relation))
      .map((relation) => ({
        where: `target table "${name}"`,
        message: `${relation === name ? 'it' : `its partition "${relation}"`} is UNLOGGED: a crash of the server empties it, with the rows that have moved there. Say \`alter table … set logged\``,
      })),
  )
}

/** Functions of the application that a move's sessions call, and whose names they do not find. */
async function relianceNotes(plan: Plan, survey: Survey, ends: Ends): Promise<Finding[]> {
  const notes: Finding[] = []
  if (plan.searchPath) return notes
  for (const where of ['source', 'target'] as const) {
    const { sql } = ends[where]
    if (!sql) continue
    const planned = where === 'source' ? survey.sources : survey.targets
    const tables = planned.map(({ table }) => table.name)
    const at = { schema: sql.schema, tables, replicate: survey[where].mayReplicate }
    for (const { functionName, caller, names } of await findReliances(sql.pool, at)) {
      const named = [...names.keys()].map((name) => `"${name}"`).join(', ')
      const [schemas = []] = names.values()
      const message = `it is called by ${caller} and names ${named} without a schema, which it does not find in rehome's sessions, as their search path is pg_catalog: set \`searchPath: ['${schemas[0]}']\` in the plan, or \`alter function ${functionName} set search_path = …\``
      notes.push({ where: `${where} function ${functionName}`, message })
    }
  }
  return notes
}

/** So many rows are read within a fraction of a pause: what is reported of fewer would be noise. */
const slowRows = 100_000

/** Where looks for rows that would be left behind may take longer than a fence has time for. */
async function slowLookNotes(plan: Plan, survey: Survey, ends: Ends): Promise<Finding[]> {
  const notes: Finding[] = []
  for (const where of ['source', 'target'] as const) {
    const { sql } = ends[where]
    if (!sql) continue
    const tables = where === 'source' ? survey.sources : survey.targets
    const at = { schema: sql.schema, tenant: '', tables, rowsMin: slowRows }
    for (const { table, foreignKey, rows } of await findSlowLooks(sql.pool, at)) {
      const message = `about ${rows} rows are looked through for those that refer by "${foreignKey}" and would be left behind, as no index begins with a column of it: create one. Where a look takes longer than ${plan.pause.budgetMs * lookShare} ms, a tenth of \`pause.budgetMs\`, none is made under the fence, and rows that come last are reported after the cutover (\`straysUnseen\`)`
      notes.push({ where: `${where} table "${table}"`, message })
    }
  }
  return notes
}

/** Triggers and rules that do not fire while rows are copied or removed. */
function silentNotes(survey: Survey, ends: Ends): Finding[] {
  return (['source', 'target'] as const)
    .filter((end) => ends[end].sql)
    .flatMap((where) =>
      silentReactions({
        where,
        mode: { replicate: survey[where].mayReplicate },
        tables: where === 'source' ? survey.sources : survey.targets,
        events: ['INSERT', 'DELETE'],
      }),
    )
}

/** Numbers that are given where the catalogue lacks the sequence, or how far it is. */
function hiddenNotes({ rollback }: Plan, { source, target, columns }: Route): Finding[] {
  const fills = (from: CatalogTable, name: string | null | undefined) =>
    from.columns.find((column) => column.name === name)
  const cameTo = (name: string) => columns.find((column) => column.name === name)?.from
  const wentTo = (name: string) => columns.find((column) => column.from === name)?.name
  const there = { end: 'target', table: target, of: (name: string) => fills(source, cameTo(name)) }
  const back = { end: 'source', table: source, of: (name: string) => fills(target, wentTo(name)) }
  return (rollback.windowMs > 0 ? [there, back] : [there]).flatMap(unbroughtNumbers)
}

interface Receiving {
  readonly end: string
  readonly table: CatalogTable
  /** The other end's column that a column's values come from. */
  of(name: string): CatalogColumn | undefined
}

function unbroughtNumbers({ end, table, of }: Receiving): Finding[] {
  const hidden = (table.hiddenNumbers ?? []).map((what) => {
    return `${what}, which takes numbers from a sequence`
  })
  // A number within a value is brought as far as the other end's sequence has come.
  const unknown = table.columns.flatMap(({ name, composes }) => {
    const from = of(name)
    if (!composes || !from || from.composes || from.sequence) return []
    return `values of "${name}" are made with numbers of ${composes}, and at the other end by no sequence`
  })
  const other = end === 'target' ? 'source' : 'target'
  return [...hidden, ...unknown].map((what) => ({
    where: `${end} table "${table.name}"`,
    message: `${what}: rehome does not bring that past the rows that arrive. Set it yourself, far beyond the ${other}'s`,
  }))
}

/** Expressions whose values may be others in other sessions, though none of those tried is. */
async function expressionNotes({ routes }: Survey, { source }: Ends): Promise<Finding[]> {
  if (!source.sql) return []
  const notes: Finding[] = []
  for (const route of routes) {
    for (const column of await unsteadyExpressions(source.sql, route)) {
      const message = `\`columns.compute\` of "${column}" is not IMMUTABLE, so its values may depend on the session, which has TimeZone UTC and DateStyle ISO, YMD here. The first ${rowsTried} rows of the table are tried; look at the others yourself`
      notes.push({ where: `table "${route.source.name}"`, message })
    }
  }
  return notes
}

/** Two sequences that give the same ids, to rows that have to be distinguished by them. */
async function rangeNotes({ routes }: Survey, ends: Ends): Promise<Finding[]> {
  const notes: Finding[] = []
  for (const route of routes) {
    for (const { name, from } of route.columns) {
      const here = route.source.columns.find((column) => column.name === from)
      const there = route.target.columns.find((column) => column.name === name)
      if (!here?.sequence || !there?.sequence || !tellsRowsApart(route, name)) continue
      const source = await positionOf(ends.source, here.sequence)
      const target = await positionOf(ends.target, there.sequence)
      if (
        source === null ||
        target === null ||
        areApart(source, target) ||
        takeTurns(here, there, source - target)
      )
        continue
      const places = `source at ${source}, target at ${target}`
      const message = `both ends give "${name}" from one range (${places}), so a later move may bring an id that is taken: ${remedy(there, [source, target])}`
      notes.push({ where: `target table "${route.target.name}"`, message })
    }
  }
  return notes
}

/** null: our role may not look, as a mover at a source need not. */
async function positionOf(end: End, sequence: string): Promise<bigint | null> {
  try {
    const [position = null] = await end.rows.positionsOf([sequence])
    return position
  } catch (error) {
    if (sqlStateOf(error) === '42501') return null
    throw error
  }
}

function areApart(source: bigint, target: bigint): boolean {
  const apart = source - target
  return (apart < 0n ? -apart : apart) > farApart
}

/** Odd and even ones, for example. */
function takeTurns(here: CatalogColumn, there: CatalogColumn, apart: bigint): boolean {
  const step = BigInt(here.step ?? 1)
  return here.step === there.step && step * step > 1n && apart % step !== 0n
}

/** A unique index has the column, and not the tenant's beside it. */
function tellsRowsApart({ target, targetPath }: Route, name: string): boolean {
  const tenant = targetPath.kind === 'column' ? targetPath.column : null
  return target.uniques.some(
    ({ columns }) => columns.includes(name) && !(tenant !== null && columns.includes(tenant)),
  )
}

const range = 1_000_000_000n
const largest: Readonly<Record<string, bigint>> = { int2: 32_767n, int4: 2_147_483_647n }

function remedy(
  { sequence, typeName, step }: CatalogColumn,
  [source, target]: readonly [bigint, bigint],
): string {
  const reached = source > target ? source : target
  const next = (reached / range + 1n) * range
  if ((step ?? 1) > 0 && next <= (largest[typeName] ?? next)) {
    return `part them at the target, \`select setval('${sequence}', ${next})\``
  }
  return `part them, by \`increment by 2\` with an odd start at one end and an even one at the other`
}

/** No more than what one end gives while another tenant moves. */
export const farApart = 100_000n

/** The share of the pause for one look under the fence. */
export const lookShare = 0.1
