/**
 * Tries what only the target demands on the rows of the source: rows that it would refuse are
 * findings, and what cannot be tried is noted, so that nothing is refused that was not named
 * before. Reads only.
 */
import type { Ends } from '../ends/end.ts'
import { tryDemands, type Violation, type Whose } from '../ends/postgres/compare/trials.ts'
import { messageOf } from '../errors.ts'
import type { Finding } from '../plan/catalogs/catalog.ts'
import { demandsOf, type Trial, type Untried } from '../plan/routing/demands.ts'
import { sqlStateOf } from '../postgres.ts'
import type { Survey } from './survey.ts'

/** So long one look may take: `check` reads whole tables. */
const lookMs = 5_000

export interface Tried {
  readonly violations: readonly Violation[]
  readonly untried: readonly Untried[]
}

/** `whose`: asked for only where there is something to try. */
export async function tryAllDemands(
  survey: Survey,
  ends: Ends,
  whose: () => Promise<Whose>,
): Promise<Tried> {
  const reads = ends.source.sql !== undefined
  const demands = survey.routes.map((route) => demandsOf(route, { reads }))
  const violations: Violation[] = []
  const untried = demands.flatMap((one) => one.untried)
  const tables = demands.map(({ trials }) => trials).filter((trials) => trials.length > 0)
  const owner = tables.length > 0 ? await whose() : { tenants: [] }
  for (const trials of tables) {
    const tried = await tryEach(survey, ends, { whose: owner, trials })
    violations.push(...tried.violations)
    untried.push(...tried.untried)
  }
  return { violations, untried }
}

interface Look {
  readonly whose: Whose
  readonly trials: readonly Trial[]
}

/** Makes one call, or none where there is nothing to try; one a trial where that fails. */
export async function tryEach(
  survey: Pick<Survey, 'source'>,
  ends: Ends,
  look: Look,
): Promise<Tried> {
  const { trials } = look
  try {
    return { violations: await tryTogether(survey, ends, look), untried: [] }
  } catch (error) {
    const [first] = trials
    if (first && trials.length === 1) {
      return { violations: [], untried: [{ ...first, why: reasonOf(error) }] }
    }
    const violations: Violation[] = []
    const untried: Untried[] = []
    for (const trial of trials) {
      const tried = await tryEach(survey, ends, { ...look, trials: [trial] })
      violations.push(...tried.violations)
      untried.push(...tried.untried)
    }
    return { violations, untried }
  }
}

async function tryTogether(
  { source }: Pick<Survey, 'source'>,
  ends: Ends,
  { whose, trials }: Look,
): Promise<Violation[]> {
  const { sql } = ends.source
  if (!sql || trials.length === 0) return []
  return await tryDemands(sql, trials, { whose, tables: source.tables, timeoutMs: lookMs })
}

function reasonOf(error: unknown): string {
  if (sqlStateOf(error) === '57014') return `a look at the source takes longer than ${lookMs} ms`
  return `the source answers: ${messageOf(error)}`
}

export function violationFinding(violation: Violation): Finding {
  const { trial, tenants, tenant } = violation
  const whose = tenants > 1 ? ` of ${tenants} tenants` : ''
  return {
    where: `target table "${trial.route.target.name}"`,
    message: `${describe(violation)} (tenant ${JSON.stringify(tenant)}${whose && `, one${whose}`}): change these rows at the source, map the column in \`columns\`, or change what the target demands`,
  }
}

/** The fact alone. */
export function describe({ trial, rows, key }: Violation): string {
  const { sourceKey, source } = trial.route
  return `${rows} rows of "${source.name}" do not satisfy ${trial.what}, which the source does not demand of every row, e.g. (${sourceKey.join(', ')}) = (${key})`
}

/** One note a table. */
export function untriedNotes(untried: readonly Untried[]): Finding[] {
  const notes = new Map<string, { table: string; why: string; what: string[] }>()
  for (const { route, what, why } of untried) {
    const table = route.target.name
    const note = notes.get(`${table}\n${why}`) ?? { table, why, what: [] }
    note.what.push(what)
    notes.set(`${table}\n${why}`, note)
  }
  return [...notes.values()].map(({ table, why, what }) => ({
    where: `target table "${table}"`,
    message: `rows have to satisfy what the source does not demand of every row, and was not tried (${why}): ${what.join('; ')}. Try it with \`rehome rehearse\``,
  }))
}
