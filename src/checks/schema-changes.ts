/**
 * Says what has changed in a schema, where an attempt has failed because of it: statements that
 * name a column or a table that is gone, and looks that found the schema changed.
 */
import { sleep } from '../clock.ts'
import type { End } from '../ends/end.ts'
import { RehomeError } from '../errors.ts'
import type { Catalog } from '../plan/catalogs/catalog.ts'
import { catalogChanges } from '../plan/catalogs/catalog-changes.ts'
import type { Survey } from './survey.ts'

/** The tenant's next attempt may wait for it, so it does not take longer. */
const lookMs = 2_000
const namedMax = 3

/** SQLSTATEs of statements that no longer fit the schema. */
const misfits = /^(42703|42P01|42804|42883|42P10|0A000|3F000)$/

/** SCHEMA_CHANGED with the end, the table and the column; any other error as it is. */
export async function nameSchemaChange(
  error: RehomeError,
  { survey, ends }: { survey: Survey; ends: { source: End; target: End } },
): Promise<RehomeError> {
  const stumbled = misfits.test(String(error.data.sqlState ?? ''))
  if (error.code !== 'SCHEMA_CHANGED' && !stumbled) return error
  const looks = [changesAt(ends.source, survey.source), changesAt(ends.target, survey.target)]
  const found = (await Promise.all(looks)).flat()
  if (found.length === 0) return error
  const more = found.length > namedMax ? ` and ${found.length - namedMax} more` : ''
  const message = `the schema has changed since the preflight: ${found.slice(0, namedMax).join('; ')}${more}`
  return new RehomeError('SCHEMA_CHANGED', message, { cause: error, data: { changes: found } })
}

async function changesAt(end: End, before: Catalog): Promise<string[]> {
  const found = new AbortController()
  const late = sleep(lookMs, found.signal).catch(() => {})
  const look = end.rows.describe([])
  const after = await Promise.race([look.catch(() => null), late])
  found.abort()
  return after ? catalogChanges(before, after).map((change) => `${end.name} ${change}`) : []
}
