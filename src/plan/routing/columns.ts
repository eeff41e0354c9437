/**
 * Column by column: what is read at the source, what it is called at the target, and whether its
 * value survives. A conversion that could lose something is refused until the plan spells it out.
 * Pure.
 */

import { ident, literal } from '../../quote.ts'
import {
  type CatalogColumn,
  type CatalogTable,
  computedKey,
  type Finding,
} from '../catalogs/catalog.ts'
import { boundType, typeDifference } from '../catalogs/type-shape.ts'
import type { Plan, TablePlan } from '../plan.ts'
import { conversionOf } from './conversion.ts'
import type { IdsOfColumn } from './shared-ids.ts'

export interface ColumnRoute {
  /** Name at the target, or in the row that a transform is given. */
  readonly name: string
  /** The source's column; null: an expression of the plan. */
  readonly from: string | null
  /** SQL over the source row, its alias is `r`. */
  readonly expression: string
  readonly typeName: string
  /** The target's type, where it is another one; the conversion loses nothing. */
  readonly castTo: string | null
  /** It refers to rows that have other ids at the other end: `columnSql` makes these of it. */
  readonly ids?: IdsOfColumn | undefined
}

/** Types whose binary form is the same at every server. Arrays of them are, too. */
const portableTypes = new Set(
  (
    'int2 int4 int8 float4 float8 numeric bool text varchar bpchar name char bytea uuid ' +
    'date time timetz timestamp timestamptz interval json jsonb xml inet cidr macaddr macaddr8 ' +
    'bit varbit point lseg path box polygon line circle ' +
    'int4range int8range numrange tsrange tstzrange daterange'
  ).split(' '),
)

export function isPortable(typeName: string): boolean {
  return portableTypes.has(typeName.startsWith('_') ? typeName.slice(1) : typeName)
}

/** Under its own name, in its own type. */
export function asItIs({ name, typeName }: Pick<CatalogColumn, 'name' | 'typeName'>): ColumnRoute {
  return { name, from: name, expression: `r.${ident(name)}`, typeName, castTo: null }
}

/** The column with the type of the ids that it gets. */
export function renumbered(
  { newIds }: Pick<Plan, 'newIds'>,
  own: TablePlan['newIds'],
  column: ColumnRoute,
): ColumnRoute {
  const made = newIds[own?.[column.from ?? ''] ?? '']
  return made ? { ...column, typeName: made.type ?? 'int8' } : column
}

export interface ColumnInput {
  /** Another id is no conversion of the old one. */
  renumber(column: ColumnRoute): ColumnRoute
  from: CatalogTable
  to: CatalogTable
  computed: ReadonlyMap<string, string>
  findings: Finding[]
  /** The target's column for the tenant, whose schema the source is. */
  arrives?: { readonly column: string; readonly tenant: string }
  /** The source's column for the tenant: a schema of the tenant's own does without. */
  leaves?: string
}

/** The name of a source column at the target. */
export function renamed(table: Pick<TablePlan, 'columns'>, column: string): string {
  const { rename } = table.columns
  // A column may be called `constructor`, which every object seems to have.
  return Object.hasOwn(rename, column) ? (rename[column] ?? column) : column
}

/** A route, and the column that it begins at; an expression of the plan begins at none. */
interface Offer {
  readonly route: ColumnRoute
  readonly column: CatalogColumn | null
}

export function routeColumns(table: TablePlan, input: ColumnInput): ColumnRoute[] {
  const where = `table "${table.name}"`
  const complain = (message: string) => input.findings.push({ where, message })
  for (const name of [...table.columns.drop, ...Object.keys(table.columns.rename)]) {
    if (!input.from.columns.some((column) => column.name === name)) {
      complain(`column "${name}" does not exist at the source`)
    }
  }
  const own = [...kept(table, input), ...computed(table, input.computed)]
  const offers = [...own, ...arriving(own, input)].map((offer) => renumberedOffer(offer, input))
  complainOfRepeated(offers, complain)
  for (const { column } of offers) if (column) complainOfBound(column, complain)
  if (table.transform) return offers.map(({ route }) => route)
  const routes = offers.map((offer) => fitToTarget(offer, input.to, complain))
  complainOfMissing(routes, input.to, complain)
  return routes
}

/** The tenant's id as the target's column writes it, unless the source has such a column itself. */
function arriving(own: readonly Offer[], { arrives, to }: ColumnInput): Offer[] {
  const column = to.columns.find(({ name }) => name === arrives?.column)
  if (!arrives || !column || own.some(({ route }) => route.name === column.name)) return []
  return [{ route: tenantAs(column, arrives.tenant), column: null }]
}

/** A constant: the tenant's id as the column writes it. */
export function tenantAs({ name, typeName, typeSql }: CatalogColumn, tenant: string): ColumnRoute {
  const expression = `${literal(tenant)}::${typeSql}`
  return { name, from: null, expression, typeName, castTo: null }
}

function kept(table: TablePlan, { from, to, leaves }: ColumnInput): Offer[] {
  const { drop, compute } = table.columns
  // What the target makes itself, or does without, is not brought to it.
  const isFilled = (name: string) => to.columns.some((c) => c.name === name && !c.generated)
  return from.columns
    .filter((column) => !drop.includes(column.name))
    .map((column) => ({ column, name: renamed(table, column.name) }))
    .filter(({ column, name }) => {
      return column.name !== leaves || table.transform || to.columns.some((c) => c.name === name)
    })
    .filter(({ name }) => !Object.hasOwn(compute, name))
    .filter(({ column, name }) => !column.generated || table.transform || isFilled(name))
    .map(({ column, name }) => {
      const expression = `r.${ident(column.name)}`
      const { name: from, typeName } = column
      return { route: { name, from, expression, typeName, castTo: null }, column }
    })
}

function renumberedOffer(offer: Offer, input: ColumnInput): Offer {
  const route = input.renumber(offer.route)
  return route === offer.route ? offer : { route, column: null }
}

function computed(table: TablePlan, types: ReadonlyMap<string, string>): Offer[] {
  return Object.entries(table.columns.compute).map(([name, { sql }]) => {
    const typeName = types.get(computedKey(table.name, name)) ?? 'text'
    const route = { name, from: null, expression: `(${sql})`, typeName, castTo: null }
    return { route, column: null }
  })
}

type Complain = (message: string) => void

function complainOfRepeated(offers: readonly Offer[], complain: Complain): void {
  const names = offers.map(({ route }) => route.name)
  for (const name of new Set(names.filter((name, i) => names.indexOf(name) !== i))) {
    complain(`two columns become "${name}": drop or rename one of them`)
  }
}

/** Equal at both ends, and yet not the same: what it names is elsewhere. */
function complainOfBound({ name, shape }: CatalogColumn, complain: Complain): void {
  const reason = shape && boundType(shape)
  if (!reason) return
  const instead = `drop it, or use \`columns.compute\` with sql\`r.${ident(name)}\` if it is to arrive all the same`
  complain(`column "${name}": ${reason}: ${instead}`)
}

function fitToTarget(offer: Offer, to: CatalogTable, complain: Complain): ColumnRoute {
  const { route } = offer
  const column = to.columns.find((candidate) => candidate.name === route.name)
  if (!column) {
    const message = `target "${to.name}" has no column "${route.name}"`
    complain(`${message}: drop, rename or compute it in \`columns\``)
    return route
  }
  if (column.generated) {
    const message = `target column "${to.name}.${route.name}" is generated there`
    complain(`${message}: drop it in \`columns\``)
  }
  return fitType(offer, column, complain)
}

function fitType({ route, column: from }: Offer, to: CatalogColumn, complain: Complain) {
  const conversion = conversionOf(from ?? { typeName: route.typeName }, to)
  if (conversion === 'cast') return { ...route, castTo: to.typeName }
  const other = from?.shape && to.shape ? typeDifference(from.shape, to.shape) : null
  if (conversion === 'none' && other) {
    complain(`column "${route.name}" of type ${from?.typeText}: ${other}`)
  }
  if (conversion === 'lossy') {
    const change = `is ${from?.typeText ?? route.typeName} and becomes ${to.typeText}`
    const message = `column "${route.name}" ${change}, which may lose part of a value`
    complain(`${message}: convert it with \`columns.compute\``)
  }
  return route
}

function complainOfMissing(routes: ColumnRoute[], to: CatalogTable, complain: Complain): void {
  for (const column of to.columns) {
    const filled = column.generated || column.identity || column.hasDefault || !column.notNull
    if (filled || routes.some((route) => route.name === column.name)) continue
    complain(`target column "${to.name}.${column.name}" is not null and gets no value`)
  }
}
