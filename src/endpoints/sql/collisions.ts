/**
 * Looks for rows of other tenants at the target that already have a key the moving tenant will
 * bring. Keys pass through in batches as text; memory does not grow with the tenant.
 */
import type { Route } from '../../plan/routes.ts'
import { withClient } from '../../postgres.ts'
import { ident, qualified } from '../../quote.ts'
import type { SqlEnd } from './end.ts'
import { tenantPredicate } from './predicate.ts'
import { arrayOfTexts, type Texts, textBatches } from './text-batches.ts'

const batchKeys = 5000

/** Up to 20 keys, as text. Empty where the target's key cannot be told before the transform. */
export async function collidingKeys(
  ends: { source: SqlEnd; target: SqlEnd },
  route: Route,
  tenant: string,
): Promise<string[]> {
  const key = keyAtSource(route)
  if (!key || (await isEmpty(ends.target, route))) return []
  return await withClient(ends.source.pool, async (client) => {
    const where = tenantPredicate(route.sourcePath, {
      schema: ends.source.schema,
      alias: 'r',
      tenant,
    })
    const select = key.map((column) => `(${column.expression})::text`).join(', ')
    const from = qualified(ends.source.schema, route.source.name)
    const query = `select ${select} from ${from} r where ${where}`
    const found: string[] = []
    const batches = { size: batchKeys, enough: () => found.length >= 20 }
    for await (const keys of textBatches(client, query, batches)) {
      found.push(...(await existing(ends.target, route, keys)))
    }
    return found.slice(0, 20)
  })
}

function keyAtSource(route: Route): Route['columns'] | null {
  if (route.transform) return null
  const columns = route.targetKey.map((name) => route.columns.find((c) => c.name === name))
  return columns.every((column) => column !== undefined) ? columns : null
}

async function isEmpty(target: SqlEnd, route: Route): Promise<boolean> {
  const query = `select from ${qualified(target.schema, route.target.name)} limit 1`
  return (await target.pool.query(query)).rowCount === 0
}

async function existing(target: SqlEnd, route: Route, keys: readonly Texts[]): Promise<string[]> {
  const columns = route.targetKey.map((name) => {
    const column = route.target.columns.find((candidate) => candidate.name === name)
    return { name, type: column?.typeSql ?? 'text' }
  })
  const match = columns.map((c, i) => `r.${ident(c.name)} = k.c${i}::${c.type}`).join(' and ')
  const arrays = columns.map((_, i) => `$${i + 1}::text[]`).join(', ')
  const names = columns.map((_, i) => `c${i}`).join(', ')
  const query = `select row(${names})::text as key from unnest(${arrays}) k (${names})
    where exists (select from ${qualified(target.schema, route.target.name)} r where ${match})`
  const parameters = columns.map((_, i) => arrayOfTexts(keys, i))
  return (await target.pool.query(query, parameters)).rows.map((row: { key: string }) => row.key)
}
