/** Counts rows without a tenant in the first rows of tables, as a hint for plans. Reads only. */
import type { Catalog } from '../../../plan/catalogs/catalog.ts'
import type { ClassifiedTable, KeyTo, Referrer } from '../../../plan/scaffold/belonging.ts'
import { isDeclared, primaryKey } from '../../../plan/scaffold/plannable.ts'
import type { Pool } from '../../../postgres.ts'
import { ident, literal, qualified } from '../../../quote.ts'

const rowsMax = 10_000

/** Tables with such rows get a doubt. A table that our role may not read stays as it is. */
export async function sampleTenantless(
  pool: Pool,
  source: Catalog,
  tables: readonly ClassifiedTable[],
): Promise<ClassifiedTable[]> {
  const looked: ClassifiedTable[] = []
  for (const one of tables) {
    const conditions = conditionsOf(one, source)
    const without = conditions.length === 0 ? 0 : await countOf(pool, { source, one, conditions })
    looked.push(without === 0 ? one : withDoubt(one, without))
  }
  return looked
}

function withDoubt(one: ClassifiedTable, without: number): ClassifiedTable {
  const fact = `rows without a tenant stay, ${without} of them in the sample`
  return { ...one, tenantless: true, doubt: one.doubt ? `${one.doubt}; ${fact}` : fact }
}

async function countOf(
  pool: Pool,
  at: { source: Catalog; one: ClassifiedTable; conditions: readonly string[] },
): Promise<number> {
  const table = qualified(at.source.schema, at.one.table)
  const query = `select count(*)::int as n from (select * from ${table} limit ${rowsMax}) s
    where ${at.conditions.map((condition) => `(${condition}) is not true`).join(' and ')}`
  return await pool.query<{ n: number }>(query).then(
    ({ rows }) => rows[0]?.n ?? 0,
    () => 0,
  )
}

/** Rows of which one holds have a tenant. Empty: all have one, or the plan counts them itself. */
function conditionsOf(one: ClassifiedTable, source: Catalog): string[] {
  const { belonging } = one
  if (belonging.kind === 'through' || belonging.kind === 'undeclared') {
    return [filled(belonging, one, source)]
  }
  if (belonging.kind === 'any of') return belonging.keys.map((key) => filled(key, one, source))
  if (belonging.kind === 'referred to') return belonging.by.map((by) => referred(by, one, source))
  if (belonging.kind !== 'polymorphic' || belonging.unknown.length > 0) return []
  const { type, id, targets } = belonging
  return targets.map(({ type: value, parent }) => {
    const key = { columns: [id], parent }
    return `s.${ident(type)}::text = ${literal(value)} and ${filled(key, one, source)}`
  })
}

/** A key that is declared leads to a row wherever it is filled. */
function filled(key: KeyTo, one: ClassifiedTable, source: Catalog): string {
  const { columns, parent } = key
  const [column = ''] = columns
  const to = primaryKey(source.tables.get(parent))?.[0]
  if (isDeclared(key, one, { source }) || parent === one.table || to === undefined) {
    return columns.map((name) => `s.${ident(name)} is not null`).join(' and ')
  }
  return `exists (select from ${qualified(source.schema, parent)} p
    where p.${ident(to)} = s.${ident(column)})`
}

function referred({ table, columns }: Referrer, one: ClassifiedTable, source: Catalog): string {
  const [column = ''] = columns
  const key = primaryKey(source.tables.get(one.table))?.[0] ?? ''
  return `exists (select from ${qualified(source.schema, table)} q
    where q.${ident(column)} = s.${ident(key)})`
}
