/** A table with rows of everybody, as a plan has it. Pure. */
import type { CatalogTable } from '../catalogs/catalog.ts'
import { keysOfTable } from '../routing/tables.ts'
import type { ClassifiedTable } from './belonging.ts'
import { columnsText, quote } from './code-text.ts'
import { isTenants } from './known-tables.ts'
import { isPlannable, type Scaffold, usableReferrers } from './plannable.ts'

/** Such rows cannot bring what refers to a tenant's rows, or to rows of their own table. */
export function sharedText(
  one: ClassifiedTable,
  scaffold: Scaffold,
): { readonly code: string; readonly comment: string } {
  const table = scaffold.source.tables.get(one.table)
  const referrers = usableReferrers(one, scaffold).map(({ table, columns }) => {
    return `${table}.${columns[0]}`
  })
  const keys = table ? keysOfTable(table) : []
  const toTenants = keys.filter(({ parent }) => movesIn(scaffold, parent))
  const toItself = keys.filter(({ parent }) => parent === one.table)
  const columns = [...toTenants, ...toItself].flatMap((key) => key.columns)
  const drop = [...new Set([...columns, ...missing(table, scaffold)])]
  const options = [
    `referencedBy: ${columnsText(referrers)}`,
    ...(drop.length > 0 ? [`columns: { drop: [${drop.map(quote).join(', ')}] }`] : []),
    ...(toTenants.length > 0 ? ['leaveReferences: true'] : []),
  ]
  const dropped = drop.length > 0 ? `. decide: the target gets no ${drop.join(', ')}` : ''
  return {
    code: `shared(${quote(one.table)}, { ${options.join(', ')} })`,
    comment: `guessed: ${one.why}; ${one.doubt}${dropped}`,
  }
}

function movesIn(scaffold: Scaffold, name: string): boolean {
  const one = scaffold.tables.find(({ table }) => table === name)
  return one !== undefined && isTenants(one) && isPlannable(one, scaffold)
}

/** Columns that the target's table lacks. */
function missing(table: CatalogTable | undefined, { target }: Scaffold): string[] {
  const there = target?.tables.get(table?.name ?? '')
  if (!there) return []
  const names = (table?.columns ?? []).map(({ name }) => name)
  return names.filter((name) => !there.columns.some((column) => column.name === name))
}
