/**
 * The check of references after a removal that ran with foreign keys off, in the same transaction:
 * rows anywhere in the database that refer to removed rows. A concurrent insert of such a row
 * waits for our delete by its own key, or we for it; so what is found here is all there is.
 */
import { firstFew, RehomeError } from '../../../errors.ts'
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import { childName } from '../../../plan/catalogs/dependents.ts'
import type { EndTable } from '../../../plan/routing/route.ts'
import type { Client } from '../../../postgres.ts'
import { ident, qualified } from '../../../quote.ts'
import { byEquality, hasParentAmong, isKept } from '../matching.ts'
import { typedText } from '../predicate.ts'
import { goesThisWay, tenantPredicate } from '../tenant-of-rows.ts'
import type { Removed } from './remove-rows.ts'

/** Columns of a table by which rows anywhere refer to it. */
export function referredColumns({ references }: Pick<CatalogTable, 'references'>): string[] {
  return [...new Set(references.flatMap(({ parentColumns }) => parentColumns))].sort()
}

/** Values of removed rows as a relation whose columns are `v0`, `v1`, …, of text. */
export interface Gone {
  readonly relation: string
  /** Its parameters. */
  readonly arrays: readonly string[]
}

/** Values of rows that one statement removed. */
export function goneWith({ values }: Removed): Gone {
  const names = values.map((_, i) => `v${i}`).join(', ')
  const arrays = values.map((_, i) => `$${i + 1}::text[]`).join(', ')
  return { relation: `(select * from unnest(${arrays}) u (${names}))`, arrays: values }
}

export interface RemovedFrom {
  readonly schema: string
  readonly table: CatalogTable
  /** Values of its `referredColumns`, if any rows were removed. */
  readonly gone: Gone
  readonly tenant: string
  /** Rows of the tenant in these tables go before the transaction ends. */
  readonly going: readonly EndTable[]
}

/** Throws FOREIGN_KEY_BROKEN. */
export async function refuseBrokenByRemoval(client: Client, from: RemovedFrom): Promise<void> {
  const { schema, table, gone } = from
  if (referredColumns(table).length === 0) return
  const counts = table.references.map((_, i) => countOf(from, i))
  const { rows } = await client.query(counts.join(' union all '), [...gone.arrays])
  const broken = rows.flatMap(({ rows: n, i }: { rows: number; i: number }) => {
    const key = table.references[i]
    return key && n > 0 ? [{ table: childName(key, schema), foreignKey: key.name, rows: n }] : []
  })
  if (broken.length === 0) return
  const facts = broken.map(({ table: child, foreignKey, rows: n }) => {
    return `"${child}": ${n} rows refer by "${foreignKey}" to rows of "${table.name}" that would be removed`
  })
  const message = `${firstFew(facts)}: nothing was removed; remove or change them, then ask again`
  const data = { ...broken[0], broken }
  throw new RehomeError('FOREIGN_KEY_BROKEN', message, { data, tenant: from.tenant })
}

function countOf({ schema, table, tenant, gone, going }: RemovedFrom, i: number): string {
  const key = table.references[i]
  if (!key) return ''
  const columns = referredColumns(table)
  const equal = byEquality(key)
  const typed = equal.parentColumns.map((name) =>
    typedText(table, name, `g.v${columns.indexOf(name)}`),
  )
  const own = (name: string) => `c.${ident(name)}`
  const notNull = key.columns.map((name) => `${own(name)} is not null`).join(' and ')
  const values = `select ${typed.join(', ')} from ${gone.relation} g`
  const child =
    key.schema === schema ? going.find(({ table: { name } }) => name === key.table) : undefined
  const goes = child && tenantPredicate(child.path, { schema, alias: 'c', tenant })
  return `select ${i} as i, count(*)::int as rows from ${qualified(key.schema, key.relation)} c
    where ${goesThisWay(key, 'c')}${notNull} and ${hasParentAmong(equal, own, values)} and not ${isKept(key, own)}
      ${goes ? `and (${goes}) is not true` : ''}`
}
