/** Reads the flags of tenants at a home, by functions that every role may call. */
import type { Fence } from './fence.ts'

/** A pool of `pg`, or anything else that runs a statement with its values. */
export interface FlagPool {
  query(text: string, values: unknown[]): Promise<{ rows: object[] }>
}

/** Stands for all tenants. */
export const wholeApplication = '*'

/** The fences of these tenants there, and that of the whole application. */
export async function lookAt(
  pool: FlagPool,
  { scope, tenants }: { readonly scope: string; readonly tenants: readonly string[] },
): Promise<Fence[]> {
  try {
    const { rows } = await pool.query('select * from rehome.fences_of($1, $2)', [
      scope,
      [...tenants],
    ])
    return rows.map((row) => ({ scope, ...(row as Omit<Fence, 'scope'>) }))
  } catch (error) {
    // rehome is not installed here: nothing is fenced.
    if (isMissing(error)) return []
    throw error
  }
}

/** Opens the new home in place of a worker that has died. true: this call has opened it. */
export async function openHome(
  pool: FlagPool,
  { scope, tenant, key }: { readonly scope: string; readonly tenant: string; readonly key: string },
): Promise<boolean> {
  const opened = await pool.query('select rehome.open_with_key($1, $2, $3) as opened', [
    scope,
    tenant,
    key,
  ])
  return (opened.rows[0] as { opened: boolean }).opened
}

/** No such schema, function or table. */
const missing = new Set(['3F000', '42883', '42P01'])

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error
    ? missing.has(String(error.code))
    : false
}
