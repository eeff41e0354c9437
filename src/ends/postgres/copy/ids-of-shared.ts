/**
 * Named queries on the ids that rows of everybody have at an end which knows them under others:
 * found by the columns that tell who they are, and remembered in rehome.new_ids, for all attempts
 * of a run. SQL for the caller's transaction.
 */
import type { Route } from '../../../plan/routing/route.ts'
import type { Client } from '../../../postgres.ts'
import { ident, idents, literal, qualified } from '../../../quote.ts'
import type { IdSpace } from '../../rows.ts'
import type { Texts } from '../../tenant-rows.ts'
import { columnsEqual } from '../matching.ts'
import { listedKeys } from '../predicate.ts'
import { arrayOfTexts } from '../text-batches.ts'

type Queryable = Pick<Client, 'query'>
export type SharedSpace = Omit<IdSpace, 'by'>

export interface IdSearch {
  readonly schema: string
  readonly route: Route
  /** The columns that tell who a row is, at this end. */
  readonly telling: readonly string[]
  /** The place of the id among the columns of a row. */
  readonly place: number
}

/** Id at the other end → id here, of those that are here. */
export async function idsThere(
  db: Queryable,
  search: IdSearch,
  rows: readonly Texts[],
): Promise<Map<string, string>> {
  const answer = await db.query<{ old: string; own: string }>(selectIds(search, rows))
  return new Map(answer.rows.map(({ old, own }) => [old, own]))
}

interface Made {
  readonly ids: ReadonlyMap<string, string>
  readonly inserted: number
}

/**
 * Ids here of all rows: one that is not here is inserted under its own id, or where another row has
 * it, under one that its column's default makes. A row that is left out has no id here.
 */
export async function idsMade(
  client: Client,
  search: IdSearch,
  rows: readonly Texts[],
): Promise<Made> {
  const ids = await idsThere(client, search, rows)
  let inserted = 0
  for (const names of insertedColumns(search)) {
    const others = rows.filter((row) => !ids.has(row[search.place] ?? ''))
    if (others.length === 0) break
    const answer = await client.query(insertOf(search, names, others))
    inserted += answer.rowCount ?? 0
    // Another move may have brought them meanwhile.
    for (const [old, own] of await idsThere(client, search, others)) ids.set(old, own)
  }
  return { ids, inserted }
}

/** Columns with the id, and without. */
function insertedColumns(search: IdSearch): string[][] {
  const id = idColumn(search)
  const names = search.route.columns.map(({ name }) => name)
  const column = search.route.target.columns.find(({ name }) => name === id)
  const isFilled = column?.hasDefault === true || column?.identity === true
  return isFilled ? [names, names.filter((name) => name !== id)] : [names]
}

function idColumn({ route, place }: IdSearch): string {
  return route.columns[place]?.name ?? ''
}

function listed({ route }: IdSearch, rows: readonly Texts[]): string {
  const columns = route.columns.map(({ name }) => name)
  return `(${listedKeys(route.target, { columns, values: rows })}) k`
}

function selectIds(search: IdSearch, rows: readonly Texts[]): string {
  const { schema, route, telling } = search
  const value = (name: string) => `k.${ident(name)}`
  const id = ident(idColumn(search))
  const match = columnsEqual(route.target, telling, { alias: 'r', value })
  return `select k.${id}::text as old, r.${id}::text as own
    from ${listed(search, rows)} join ${qualified(schema, route.target.name)} r on ${match}`
}

/** In the order in which all who bring such rows insert them. */
function insertOf(search: IdSearch, names: readonly string[], rows: readonly Texts[]): string {
  const { schema, route, telling } = search
  const values = (some: readonly string[]) => some.map((name) => `k.${ident(name)}`).join(', ')
  return `insert into ${qualified(schema, route.target.name)} (${idents(names)})
    overriding system value
    select ${values(names)} from ${listed(search, rows)}
    order by ${values(telling)} on conflict do nothing`
}

/** Id at the other end → id here, of all rows that the run has met for the tenant. */
export async function rememberedIds(
  db: Queryable,
  { scope, tenant, runId, space }: SharedSpace,
): Promise<Map<string, string>> {
  const query = `select old_id as old, new_id as own from rehome.new_ids
    where scope = $1 and tenant_id = $2 and run_id = $3 and space = $4`
  const { rows } = await db.query<{ old: string; own: string }>(query, [
    scope,
    tenant,
    runId,
    space,
  ])
  return new Map(rows.map(({ old, own }) => [old, own]))
}

export async function rememberIds(
  client: Client,
  { scope, tenant, runId, space }: SharedSpace,
  ids: ReadonlyMap<string, string>,
): Promise<void> {
  const pairs = [...ids]
  const array = (place: number) => `${literal(arrayOfTexts(pairs, place))}::text[]`
  const of = [scope, tenant, runId, space].map((text) => `${literal(text)}::text`).join(', ')
  await client.query(`insert into rehome.new_ids (scope, tenant_id, run_id, space, old_id, new_id)
    select ${of}, w.old, w.own
    from rows from (pg_catalog.unnest(${array(0)}), pg_catalog.unnest(${array(1)})) w (old, own)
    on conflict do nothing`)
}
