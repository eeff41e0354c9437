/**
 * Demands of the target that the source does not have: which of them can be tried on the rows of
 * the source, as the plan maps them, and which cannot. Pure.
 */

import { ident } from '../../quote.ts'
import type { CatalogColumn } from '../catalogs/catalog.ts'
import type { Demand } from '../catalogs/demand.ts'
import type { ColumnRoute } from './columns.ts'
import type { Route } from './route.ts'

/** A demand of the target, in the words of messages. */
interface Demanded {
  readonly route: Route
  readonly what: string
}

/** Something that rows of the source are tried against. Columns are named as at the target. */
export interface Trial extends Demanded {
  readonly columns: readonly string[]
  /** Rows that count. null: all. */
  readonly where: string | null
  readonly of:
    | { readonly kind: 'row'; readonly violated: string }
    | { readonly kind: 'unique'; readonly parts: readonly string[]; readonly nullsEqual: boolean }
    | {
        readonly kind: 'exclusion'
        readonly parts: readonly string[]
        readonly operators: readonly string[]
      }
}

export interface Untried extends Demanded {
  readonly why: string
}

export interface Demands {
  readonly trials: readonly Trial[]
  readonly untried: readonly Untried[]
}

/** `reads`: the source is a database of which rows can be asked. */
export function demandsOf(route: Route, { reads }: { readonly reads: boolean }): Demands {
  const all = [...columnDemands(route), ...(route.target.demands ?? []).map(asDemand(route))]
  const open = all.filter(({ isKnown }) => !isKnown)
  const why = reads ? reasonAgainst(route) : 'the source is reached over HTTP'
  const trials: Trial[] = []
  const untried: Untried[] = []
  for (const { trial, reason } of open) {
    const not = why ?? reason ?? columnReason(route, trial)
    if (not === null) trials.push(trial)
    else if (not !== unfilled) untried.push({ route, what: trial.what, why: not })
  }
  return { trials, untried: [...untried, ...keysOfTarget(route)] }
}

/** Foreign keys of the target alone: whether there are parents is known once rows are there. */
function keysOfTarget(route: Route): Untried[] {
  const { source, target } = route
  const own = [...source.foreignKeys, ...source.outerKeys].map(({ columns }) => columns)
  return [...target.foreignKeys, ...target.outerKeys].flatMap(({ name, columns, parent }) => {
    const origins = columns.map((column) => originOf(route, column)?.name)
    const isOwn = (names: readonly string[]) =>
      names.length === columns.length && names.every((one) => origins.includes(one))
    if (own.some(isOwn)) return []
    const what = `FOREIGN KEY "${name}" (${columns.join(', ')}) to "${parent}"`
    return [{ route, what, why: 'the move itself looks for the parents' }]
  })
}

interface Known {
  readonly trial: Trial
  /** The source's rows satisfy it by a demand of their own. */
  readonly isKnown: boolean
  /** Why it cannot be tried. */
  readonly reason: string | null
}

function reasonAgainst({ transform, stream }: Route): string | null {
  if (stream) return `stream "${stream.name}" makes the rows`
  return transform ? 'a transform makes the rows' : null
}

/** It is only about what the target fills in itself. */
const unfilled = ''

function columnReason(route: Route, { columns }: Trial): string | null {
  const isFilled = (name: string) => route.columns.some((column) => column.name === name)
  const left = columns.flatMap((name) =>
    isFilled(name) ? [] : (columnOf(route.target.columns, name) ?? []),
  )
  const made = left.find(({ generated }) => generated)
  if (made) return `the target computes "${made.name}"`
  if (left.length === columns.length) return unfilled
  const own = left.find(({ hasDefault, identity }) => hasDefault || identity)
  if (own) return `the target fills in "${own.name}" itself`
  const renumbered = route.columns.find(
    ({ name, from }) =>
      columns.includes(name) && from !== null && Object.hasOwn(route.newIds, from),
  )
  const translated = route.columns.find(({ name, ids }) => columns.includes(name) && ids)
  const column = renumbered ?? translated
  return column ? `"${column.name}" gets new ids` : null
}

function columnOf(columns: readonly CatalogColumn[], name: string): CatalogColumn | undefined {
  return columns.find((column) => column.name === name)
}

/** The source's column that arrives as this one. */
function originOf(route: Route, name: string): CatalogColumn | undefined {
  const column: Pick<ColumnRoute, 'from'> | undefined =
    route.transform || route.stream ? { from: name } : route.columns.find((c) => c.name === name)
  return column?.from ? columnOf(route.source.columns, column.from) : undefined
}

/** NOT NULL, and the lengths and precisions into which an expression has to fit. */
function columnDemands(route: Route): Known[] {
  return route.target.columns.flatMap((column) => {
    if (column.generated) return []
    const { name, notNull } = column
    const demand = (what: string, violated: string, isKnown: boolean): Known => ({
      trial: { route, what, columns: [name], where: null, of: { kind: 'row', violated } },
      isKnown,
      reason: null,
    })
    const required = demand(
      `NOT NULL of column "${name}"`,
      // A row value of nulls alone is no null to a constraint.
      `pg_catalog.num_nulls(${ident(name)}) = 1`,
      originOf(route, name)?.notNull === true,
    )
    const isComputed = route.columns.some((one) => one.name === name && one.from === null)
    const tooLong = isComputed ? tooLongFor(column) : null
    const fit = tooLong === null ? [] : [demand(`${column.typeText} of "${name}"`, tooLong, false)]
    return notNull ? [required, ...fit] : fit
  })
}

/** A condition. null: the type has room for everything. */
function tooLongFor({ name, typeText }: CatalogColumn): string | null {
  const [, kind, size, scale = '0'] =
    /^(character varying|character|numeric)\((\d+)(?:,(\d+))?\)$/.exec(typeText) ?? []
  if (kind === undefined) return null
  if (kind !== 'numeric') {
    return `pg_catalog.char_length(pg_catalog.rtrim(${ident(name)}::pg_catalog.text)) > ${size}`
  }
  const rounded = `pg_catalog.abs(pg_catalog.round(${ident(name)}::pg_catalog.numeric, ${scale}))`
  const most = `pg_catalog.power(10::pg_catalog.numeric, ${Number(size) - Number(scale)})`
  return `${rounded} >= ${most} and ${ident(name)} <> 'NaN'::pg_catalog.numeric`
}

const words = { check: 'CHECK', domain: 'domain', unique: 'UNIQUE', exclusion: 'EXCLUDE' } as const

function asDemand(route: Route): (demand: Demand) => Known {
  return (demand) => ({
    trial: trialOf(route, demand),
    isKnown: isKnown(route, demand),
    reason: demand.portable
      ? collationReason(route, demand)
      : 'it means something at the target alone',
  })
}

function trialOf(route: Route, demand: Demand): Trial {
  const { kind, name, relation, within, sql, columns } = demand
  const at = relation === route.target.name ? '' : ` of partition "${relation}"`
  const value = (text: string) => (kind === 'domain' ? onValue(text, columns[0] ?? '') : text)
  const base = { route, columns, where: within }
  if (kind === 'unique' || kind === 'exclusion') {
    const { parts = [], operators = [], nullsEqual = false } = demand
    const what = `${words[kind]} "${name}" (${parts.join(', ')})${at}`
    const where = [within, sql].filter((text) => text !== null).join(') and (')
    const of =
      kind === 'unique' ? { kind, parts, nullsEqual } : ({ kind, parts, operators } as const)
    return { ...base, what, where: where || null, of }
  }
  if (kind === 'partition') {
    const what = `a partition of "${name}" for each row`
    return { ...base, what, of: { kind: 'row', violated: `(${sql}) is not true` } }
  }
  const what =
    kind === 'check'
      ? `CHECK "${name}" (${sql})${at}`
      : `${name}, the type of "${columns[0]}" (${sql})`
  return { ...base, what, of: { kind: 'row', violated: value(`(${sql}) is false`) } }
}

/** A domain's check calls the value `VALUE`, which as a column is `value`. */
function onValue(condition: string, column: string): string {
  return `exists (select from (select ${ident(column)} as value) v where ${condition})`
}

/** Texts that are one text to the target, or to the source, are not so to the other. */
function collationReason(route: Route, { columns }: Demand): string | null {
  const other = columns.find((name) => {
    const [from, to] = [originOf(route, name), columnOf(route.target.columns, name)]
    return from && (from.collation ?? null) !== (to?.collation ?? null)
  })
  return other === undefined ? null : `"${other}" has another collation at the target`
}

function isKnown(route: Route, demand: Demand): boolean {
  if (demand.kind === 'unique' && isUniqueAlready(route, demand)) return true
  return (route.source.demands ?? []).some((own) => own.valid && isSame(route, own, demand))
}

function isSame(route: Route, own: Demand, demand: Demand): boolean {
  const same = (['kind', 'sql', 'within', 'parts', 'operators', 'nullsEqual'] as const).every(
    (field) => JSON.stringify(own[field]) === JSON.stringify(demand[field]),
  )
  if (!same) return false
  return demand.columns.every((name, i) => {
    const [from, to] = [originOf(route, name), columnOf(route.target.columns, name)]
    const isOwn = demand.kind === 'domain' ? from?.name === own.columns[i] : from?.name === name
    return isOwn && from?.typeName === to?.typeName && from?.collation === to?.collation
  })
}

/** A unique index of the source has some of its columns, or all. */
function isUniqueAlready(route: Route, demand: Demand): boolean {
  const { parts = [] } = demand
  const named = demand.columns.filter((name) => parts.some((part) => isColumn(part, name)))
  if (!parts.every((part) => named.some((name) => isColumn(part, name)))) return false
  const origins = named.map((name) => originOf(route, name))
  if (collationReason(route, demand) !== null) return false
  return route.source.uniques.some((unique) => {
    return unique.columns.every((name) => {
      const column = origins.find((origin) => origin?.name === name)
      return column !== undefined && (!demand.nullsEqual || column.notNull)
    })
  })
}

/** An index names its columns as SQL does, in quotes where they need some. */
function isColumn(part: string, name: string): boolean {
  return part === name || part === ident(name)
}
