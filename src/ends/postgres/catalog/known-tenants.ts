/** Which tenants an end knows, and how its columns write their ids. */
import { RehomeError } from '../../../errors.ts'
import type { EndTable } from '../../../plan/routing/route.ts'
import { toRehomeError } from '../../../postgres.ts'
import { ident, qualified } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { Known } from '../../rows.ts'
import { builtinEqual } from '../matching.ts'

/**
 * Tenants' ids in the column type's own text: flags are found by it. Throws TENANT_ID_INVALID where
 * one is not of that type.
 */
export async function knownTenants(
  { pool, schema }: SqlEnd,
  tenants: readonly string[],
  tables: readonly EndTable[],
): Promise<Known[]> {
  const roots = tables.flatMap(({ table, path }) => {
    if (path.kind !== 'column') return []
    const { column } = path
    const type = table.columns.find((c) => c.name === column)?.typeSql ?? 'text'
    return [{ from: qualified(schema, table.name), column: ident(column), type }]
  })
  const exists = roots.map(
    ({ from, column, type }) =>
      `exists (select from ${from} r where r.${column} ${builtinEqual} t.tenant::${type})`,
  )
  const type = roots[0]?.type ?? 'text'
  const query = `select tenant, ${exists.join(' or ') || 'true'} as "hasRows"
    from (select t::${type}::text as tenant from unnest($1::text[]) t) t`
  const { rows } = await pool.query(query, [tenants]).catch((error: unknown) => {
    const cause = toRehomeError(error, `a tenant id is not of the column's type`)
    if (cause.retryable) throw cause
    throw new RehomeError('TENANT_ID_INVALID', cause.message, { cause: error })
  })
  return rows
}
