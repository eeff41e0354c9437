/**
 * Reads the tables of one schema as its database's catalogue describes them, and remembers them:
 * they are the same for every tenant, and reading them costs more than moving a small one. Changes
 * nothing.
 */
import type { ClientBase, QueryResultRow } from 'pg'
import type { Catalog, CatalogTable } from '../../../plan/catalogs/catalog.ts'
import { consistsOf } from '../../../plan/catalogs/type-shape.ts'
import { sqlStateOf } from '../../../postgres.ts'
import { ident } from '../../../quote.ts'
import { digestProbes } from '../compare/row-digests.ts'
import { dependentsOf, readDependents } from './dependents.ts'
import { readDemands } from './read-demands.ts'
import { type KnownTypes, readTypes } from './read-types.ts'
import { schemaStamp, surroundingsStamp } from './schema-stamp.ts'
import {
  columnsQuery,
  foreignKeysQuery,
  tablesQuery,
  triggersQuery,
  uniquesQuery,
} from './structure-queries.ts'

export interface Structure extends Pick<Catalog, 'digestProbes'> {
  readonly tables: ReadonlyMap<string, CatalogTable>
  readonly holdsMoney: boolean
}

/**
 * All that decides how a structure looks. The database is not part of it: a transaction changes one
 * database alone, so two databases of a running server whose catalogue rows come from the same
 * transactions are copies of each other.
 */
export interface StructureKey {
  /** The server since its start: a clone of it may have numbered other transactions alike. */
  readonly server: string
  readonly serverVersion: number
  readonly encoding: string
  readonly role: string
  readonly schema: string
  /** Changes with everything that is read here; see schema-stamp.ts. */
  readonly version: string
}

/** The tables of all structures together; the least recently used structures go first. */
const tablesMax = 5_000

const structures = new Map<string, Structure>()

/** The structure is shared by all callers, which may not change it. */
export async function structureOf(client: ClientBase, key: StructureKey): Promise<Structure> {
  const name = JSON.stringify(Object.entries(key))
  const remembered = structures.get(name)
  if (remembered) {
    structures.delete(name)
    structures.set(name, remembered)
    return remembered
  }
  const { isVersioned, ...structure } = await unlessGone(() => readStructure(client, key))
  // What was changed in between, and changed back, would be remembered as it was.
  const query = `select ${schemaStamp} || ${surroundingsStamp} as version`
  const { rows } = await client.query(query, [key.schema])
  if (isVersioned && rows[0].version === key.version) structures.set(name, structure)
  forget()
  return structure
}

const looksMax = 10

/**
 * The catalogue's functions fail where an object that the look has seen is dropped meanwhile, also
 * one that no plan names: then the look begins anew. One transaction would not help, and its locks
 * would keep those waiting who change the schema.
 */
async function unlessGone<T>(look: () => Promise<T>): Promise<T> {
  for (let looks = 1; ; looks += 1) {
    try {
      return await look()
    } catch (error) {
      if (!isGone(error) || looks === looksMax) throw error
    }
  }
}

function isGone(error: unknown): boolean {
  // An undefined schema, table, column, type or function; "cache lookup failed" and the like; a
  // lock that is not to be had while it is dropped.
  return /^(3F000|42P01|42703|42704|42883|XX000|55P03|40P01)$/.test(sqlStateOf(error) ?? '')
}

function forget(): void {
  let tables = [...structures.values()].reduce((sum, one) => sum + one.tables.size, 0)
  for (const [name, one] of structures) {
    if (structures.size === 1 || tables <= tablesMax) return
    tables -= one.tables.size
    structures.delete(name)
  }
}

/** Reads the structure as the catalogue has it now, and remembers nothing. */
export async function readStructure(client: ClientBase, key: StructureKey) {
  const schema = ident(key.schema)
  const read = async (query: string): Promise<QueryResultRow[]> =>
    (await client.query(query, [schema])).rows
  const tables = await read(tablesQuery)
  const columns = await read(columnsQuery)
  const uniques = await read(uniquesQuery)
  const foreignKeys = await read(foreignKeysQuery)
  const triggers = await read(triggersQuery)
  const demands = await readDemands(client, schema)
  const types = await readTypes(client, schema)
  const dependents = await readDependents(client, schema)
  const [columnsOf, uniquesOf, demandsOf, keysOf, triggersOf] = [
    byOid(columns),
    byOid(uniques),
    byOid(demands),
    byOid(foreignKeys),
    byOid(triggers),
  ]
  const named = tables.map(({ oid, partitionOids, ...row }): [string, CatalogTable] => {
    const parts = {
      columns: columnsOf(oid).map((column) => withType(column, types)),
      uniques: uniquesOf(oid),
      demands: demandsOf(oid).map(({ oid: _, ...demand }) => demand),
      foreignKeys: keysOf(oid).filter((key) => !key.outside),
      outerKeys: keysOf(oid).filter((key) => key.outside),
      triggers: [oid, ...partitionOids].flatMap(triggersOf),
      ...dependentsOf(dependents, oid),
    }
    // The queries above name their columns after the fields of the type.
    return [row.name, { ...row, ...parts } as unknown as CatalogTable]
  })
  return {
    tables: new Map(named),
    digestProbes: await digestProbesOf(client, key.serverVersion),
    holdsMoney: holdsMoney(columns, types),
    isVersioned: [...types.values()].every(({ isRowType }) => !isRowType),
  }
}

/** There may be thousands of tables, with ten times as many columns. */
function byOid<Row extends { readonly oid?: string }>(
  rows: readonly Row[],
): (oid: string) => readonly Row[] {
  const grouped = new Map<string | undefined, Row[]>()
  for (const row of rows) {
    const own = grouped.get(row.oid)
    if (own) own.push(row)
    else grouped.set(row.oid, [row])
  }
  return (oid) => grouped.get(oid) ?? []
}

/** Oids differ from database to database: what the type is stands there instead. */
function withType({ typeOid, ...column }: QueryResultRow, types: KnownTypes): QueryResultRow {
  const { operators = null, shape, castsToJson } = types.get(typeOid) ?? {}
  return { ...column, operators, shape, ...(castsToJson && { castsToJson }) }
}

function holdsMoney(columns: readonly QueryResultRow[], types: KnownTypes): boolean {
  return columns.some(({ typeOid }) => {
    const shape = types.get(typeOid)?.shape
    return shape !== undefined && consistsOf(shape, 'money')
  })
}

async function digestProbesOf(
  client: ClientBase,
  version: number,
): Promise<Record<string, string>> {
  const probes = Object.entries(digestProbes).filter(([, { since }]) => version >= since)
  const list = probes.map(([name, { sql }]) => `${sql} as ${ident(name)}`)
  const [row] = (await client.query(`select ${list.join(', ')}`)).rows
  return row
}
