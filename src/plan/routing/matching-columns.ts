/** Whether columns of one table can refer to columns of another without a declared key. Pure. */
import type { CatalogColumn, CatalogForeignKey, CatalogTable } from '../catalogs/catalog.ts'
import type { Way } from '../through.ts'
import type { Matching } from './path.ts'

interface Columns {
  readonly table: CatalogTable
  readonly columns: readonly string[]
}

interface ParentColumns extends Columns {
  /** A row may have several parents. */
  readonly several?: boolean | undefined
}

/** The operators of the reference, or why there can be none. */
export function matchingOf(child: Columns, parent: ParentColumns): Matching | string {
  const operators: (string | undefined)[] = []
  if (child.columns.length !== parent.columns.length) {
    return `has no single column by which "${parent.table.name}" could refer to it`
  }
  for (const [i, name] of child.columns.entries()) {
    const to = parent.columns[i] ?? ''
    const [own, theirs] = [columnOf(child.table, name), columnOf(parent.table, to)]
    if (!own) return `has no column "${name}"`
    if (!theirs) return `refers to "${parent.table.name}.${to}", which does not exist`
    const why = mismatch(own, theirs)
    if (why) return `column "${name}" cannot refer to "${parent.table.name}.${to}": ${why}`
    operators.push(theirs.operators?.equal)
  }
  const isUnique = parent.table.uniques.some(({ columns }) =>
    columns.every((name) => parent.columns.includes(name)),
  )
  if (!isUnique && !parent.several) {
    const names = parent.columns.map((name) => `"${name}"`).join(', ')
    return `refers to ${names} of "${parent.table.name}", which no unique index has: a row could have several parents`
  }
  const isBuiltin = operators.every((equal) => equal === undefined || equal === builtinEqual)
  return isBuiltin ? {} : { equals: operators.map((equal) => equal ?? builtinEqual) }
}

const builtinEqual = 'operator(pg_catalog.=)'

function columnOf(table: CatalogTable, name: string): CatalogColumn | undefined {
  return table.columns.find((column) => column.name === name)
}

/** Types whose values are compared by one operator of PostgreSQL's own, with an index. */
const families = [
  ['int2', 'int4', 'int8'],
  ['text', 'varchar'],
] as const

function mismatch(own: CatalogColumn, theirs: CatalogColumn): string | null {
  if (!own.deterministic || !theirs.deterministic) return 'a collation is not deterministic'
  if (own.virtual || theirs.virtual) return 'one of them is a virtual generated column'
  if (theirs.operators === null) return `type ${theirs.typeText} has no operator class for btree`
  const names: readonly string[] = [own.typeName, theirs.typeName]
  const related = families.some((family: readonly string[]) =>
    names.every((name) => family.includes(name)),
  )
  if (own.typeSql === theirs.typeSql || related) return null
  return `their types are ${own.typeText} and ${theirs.typeText}`
}

export function isSameKey(key: CatalogForeignKey, { columns, to, when, inverse }: Way): boolean {
  return (
    to !== undefined &&
    key.inverse === inverse &&
    key.when === when?.sql &&
    key.parent === to.table &&
    key.columns.length === columns.length &&
    columns.every((name, i) => {
      const at = key.columns.indexOf(name)
      return at >= 0 && key.parentColumns[at] === to.columns[i]
    })
  )
}
