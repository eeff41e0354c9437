/**
 * Finds what has changed in a schema, where an attempt has failed because of it: statements that
 * name a column or a table that is gone, rows that no longer fit their table, and looks that found
 * the schema changed.
 *
 * Rule: a statement that fails for good, with a schema that is not the surveyed one, proves nothing
 * of the tenant's rows. The next attempt surveys the schema anew, and fails by itself if the rows
 * are the reason.
 */
import { sleep } from '../clock.ts'
import type { End } from '../ends/end.ts'
import { type ErrorCode, RehomeError } from '../errors.ts'
import type { Catalog } from '../plan/catalogs/catalog.ts'
import { catalogChanges } from '../plan/catalogs/catalog-changes.ts'
import { type Survey, tablesAt } from './survey.ts'

/** The tenant's next attempt waits for it, so it does not take longer. */
const lookMs = 2_000
const namedMax = 3

/** Codes of statements that a changed schema may have failed. */
const misfits: readonly ErrorCode[] = ['SCHEMA_CHANGED', 'DATABASE_ERROR', 'ROW_REJECTED']

/**
 * SCHEMA_CHANGED with the end, the table and the column; any other error as it is. Ends with the
 * signal: the tenant may be fenced meanwhile.
 */
export async function nameSchemaChange(
  error: RehomeError,
  { survey, ends, signal }: SurveyedEnds,
): Promise<RehomeError> {
  const isMisfit = misfits.includes(error.code)
  if (!isMisfit || (error.retryable && error.code !== 'SCHEMA_CHANGED')) return error
  const looks = (['source', 'target'] as const).map(async (end) => {
    // Another table may be why the survey no longer holds, but not why a statement failed.
    const names = error.code === 'SCHEMA_CHANGED' ? null : tablesAt(survey, end)
    return await changesAt(ends[end], { before: only(survey[end], names), names, signal })
  })
  const changes = (await Promise.all(looks)).flat()
  if (changes.length === 0) return error
  const more = changes.length > namedMax ? ` and ${changes.length - namedMax} more` : ''
  const failed =
    error.code === 'SCHEMA_CHANGED' ? '' : `; it failed with ${error.code}: ${error.message}`
  const message = `the schema has changed since the preflight: ${changes.slice(0, namedMax).join('; ')}${more}${failed}`
  return new RehomeError('SCHEMA_CHANGED', message, { cause: error, data: { changes } })
}

interface SurveyedEnds {
  readonly survey: Survey
  readonly ends: { readonly source: End; readonly target: End }
  /** Aborted when the attempt ends: with the budget of its pause at the latest. */
  readonly signal: AbortSignal
}

/** The catalogue with these tables alone; null: with all. */
function only(catalog: Catalog, names: readonly string[] | null): Catalog {
  if (names === null) return catalog
  const tables = [...catalog.tables].filter(([name]) => names.includes(name))
  return { ...catalog, tables: new Map(tables) }
}

interface Before {
  readonly before: Catalog
  readonly names: readonly string[] | null
  readonly signal: AbortSignal
}

async function changesAt(end: End, { before, names, signal }: Before): Promise<string[]> {
  if (signal.aborted) return []
  const answered = new AbortController()
  const late = sleep(lookMs, AbortSignal.any([answered.signal, signal])).catch(() => {})
  const look = end.rows.describe([])
  const after = await Promise.race([look.catch(() => null), late])
  answered.abort()
  return after
    ? catalogChanges(before, only(after, names)).map((change) => `${end.name} ${change}`)
    : []
}
