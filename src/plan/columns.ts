/**
 * Column by column: what is read at the source, what it is called at the target, and whether its
 * value survives. A conversion that could lose something is refused until the plan spells it out.
 * Pure.
 */

import { ident } from '../quote.ts'
import { type CatalogColumn, type CatalogTable, computedKey, type Finding } from './catalog.ts'
import type { TablePlan } from './plan.ts'

export interface ColumnRoute {
  /** Name at the target, or in the row that a transform is given. */
  readonly name: string
  /** SQL over the source row, its alias is `r`. */
  readonly expression: string
  readonly typeName: string
  /** The target's type, where it is another one; the conversion loses nothing. */
  readonly castTo: string | null
}

/** Types whose binary form is the same at every server. Arrays of them are, too. */
const portableTypes = new Set(
  (
    'int2 int4 int8 float4 float8 numeric bool text varchar bpchar name char bytea uuid date time ' +
    'timetz timestamp timestamptz interval json jsonb inet cidr macaddr macaddr8 bit varbit point ' +
    'lseg path box polygon line circle int4range int8range numrange tsrange tstzrange daterange xml'
  ).split(' '),
)

export function isPortable(typeName: string): boolean {
  return portableTypes.has(typeName.startsWith('_') ? typeName.slice(1) : typeName)
}

const lossless: Readonly<Record<string, readonly string[]>> = {
  int2: ['int4', 'int8', 'numeric'],
  int4: ['int8', 'numeric'],
  int8: ['numeric'],
  float4: ['float8'],
  varchar: ['text'],
  bpchar: ['text', 'varchar'],
  text: ['varchar'],
  name: ['text'],
}

export interface ColumnInput {
  from: CatalogTable
  to: CatalogTable
  computed: ReadonlyMap<string, string>
  findings: Finding[]
}

export function routeColumns(table: TablePlan, input: ColumnInput): ColumnRoute[] {
  const where = `table "${table.name}"`
  const complain = (message: string) => input.findings.push({ where, message })
  for (const name of [...table.columns.drop, ...Object.keys(table.columns.rename)]) {
    if (!input.from.columns.some((column) => column.name === name)) {
      complain(`column "${name}" does not exist at the source`)
    }
  }
  const offered = [...kept(table, input.from), ...computed(table, input.computed)]
  const routes = table.transform ? offered : fitToTarget(offered, input.to, complain)
  if (!table.transform) complainOfMissing(routes, input.to, complain)
  return routes
}

function kept(table: TablePlan, from: CatalogTable): ColumnRoute[] {
  return from.columns
    .filter((column) => !table.columns.drop.includes(column.name))
    .map((column) => ({ column, name: table.columns.rename[column.name] ?? column.name }))
    .filter(({ name }) => !(name in table.columns.compute))
    .filter(({ column }) => !column.generated || table.transform !== undefined)
    .map(({ column, name }) => ({
      name,
      expression: `r.${ident(column.name)}`,
      typeName: column.typeName,
      castTo: null,
    }))
}

function computed(table: TablePlan, types: ReadonlyMap<string, string>): ColumnRoute[] {
  return Object.entries(table.columns.compute).map(([name, { sql }]) => ({
    name,
    expression: `(${sql})`,
    typeName: types.get(computedKey(table.name, name)) ?? 'text',
    castTo: null,
  }))
}

type Complain = (message: string) => void

function fitToTarget(offered: ColumnRoute[], to: CatalogTable, complain: Complain): ColumnRoute[] {
  return offered.map((route) => {
    const column = to.columns.find((candidate) => candidate.name === route.name)
    if (!column) {
      complain(
        `target "${to.name}" has no column "${route.name}": drop, rename or compute it in \`columns\``,
      )
      return route
    }
    if (column.generated) {
      complain(
        `target column "${to.name}.${route.name}" is generated there: drop it in \`columns\``,
      )
    }
    return fitType(route, column, complain)
  })
}

function fitType(route: ColumnRoute, column: CatalogColumn, complain: Complain): ColumnRoute {
  if (route.typeName === column.typeName) return route
  if (lossless[route.typeName]?.includes(column.typeName)) {
    return { ...route, castTo: column.typeName }
  }
  complain(
    `column "${route.name}" is ${route.typeName} and becomes ${column.typeText}, which may lose ` +
      'something: say how with `columns.compute`',
  )
  return route
}

function complainOfMissing(routes: ColumnRoute[], to: CatalogTable, complain: Complain): void {
  for (const column of to.columns) {
    const filled = column.generated || column.identity || column.hasDefault || !column.notNull
    if (filled || routes.some((route) => route.name === column.name)) continue
    complain(`target column "${to.name}.${column.name}" is not null and gets no value`)
  }
}
