/** Which row of a tenant the target has rejected: COPY tells the line, the key is looked up. */
import { RehomeError } from '../../errors.ts'
import type { Route } from '../../plan/route.ts'
import { explain } from '../../postgres.ts'
import { ident } from '../../quote.ts'
import type { FlagKey } from '../flags.ts'
import type { SqlEnd } from './end.ts'
import { fromTenant } from './predicate.ts'

export interface Rejected {
  readonly source: SqlEnd
  readonly of: FlagKey
  /** Rows in the order of the key that came before the COPY that failed. */
  readonly rowsBefore: number
}

/** The error as ours, with the key of the row where it is about one that came as it is. */
export async function nameRejectedRow(
  error: unknown,
  route: Route,
  { source, of, rowsBefore }: Rejected,
): Promise<RehomeError> {
  const explained = explain(error, `copying "${route.source.name}" to "${route.target.name}"`)
  const line = /· COPY .*, line (\d+)/.exec(explained.message)?.[1]
  const isAsRead = !route.transform && route.sourceKey.length > 0
  if (explained.code !== 'ROW_REJECTED' || !line || !isAsRead) return explained
  const columns = route.sourceKey.map((name) => `r.${ident(name)}`)
  const texts = columns.map((column) => `${column}::text`).join(', ')
  const rows = { ...of, table: route.source, path: route.sourcePath }
  const query = `select array[${texts}] as key
    from ${fromTenant(source.schema, rows)} order by ${columns.join(', ')}
    offset ${rowsBefore + Number(line) - 1} limit 1`
  const found = await source.pool.query(query).catch(() => null)
  const key: (string | null)[] | undefined = found?.rows[0]?.key
  if (!key) return explained
  const named = `(${route.sourceKey.join(', ')}) = (${key.join(', ')})`
  const data = { ...explained.data, table: route.source.name, key }
  return new RehomeError('ROW_REJECTED', `${explained.message} · the row with ${named}`, {
    cause: error,
    data,
  })
}
