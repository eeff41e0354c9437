/** The catalogue of an existing API's tables, made from the plan. */
import type { Catalog, CatalogColumn, CatalogTable } from '../../plan/catalogs/catalog.ts'
import type { ApiEndpoint, ApiTable } from '../../plan/endpoint.ts'

/** Rows are compared by the other end, in its own way: md5 is what every end has. */
const md5Probe = '-512754064142662312'

export function catalogOfApi({ tables }: ApiEndpoint, place: string): Catalog {
  return {
    database: place,
    schema: 'public',
    serverVersion: 0,
    encoding: 'UTF8',
    mayReplicate: false,
    enforcement: 'application',
    computed: new Map(),
    digestProbes: { md5: md5Probe },
    foreignSettings: [],
    tables: new Map(Object.entries(tables).map(([name, table]) => [name, tableOf(name, table)])),
  }
}

function tableOf(name: string, { columns, key, references = {} }: ApiTable): CatalogTable {
  const none = { outerKeys: [], outerChildren: [], triggers: [], partitions: [] }
  const alone = { references: [], partitionKeys: [], reactions: [] }
  const also = { partitionColumns: [], unguardable: [], rowSecurity: false, subscribed: false }
  return {
    name,
    ...none,
    ...also,
    ...alone,
    columns: Object.entries(columns).map(([column, type]) => columnOf(column, type)),
    uniques: [{ name: 'the key of the plan', columns: [key].flat(), primary: true }],
    foreignKeys: Object.entries(references).map(([column, parent]) => ({
      name: `${column} → ${parent}`,
      columns: [column],
      parent,
      parentSchema: 'public',
      deferrable: false,
      parentColumns: [],
    })),
    // Which rows are the tenant's is for the API to know.
    path: { kind: 'column', column: '' },
    privileges: ['SELECT', 'INSERT', 'DELETE'],
  }
}

function columnOf(name: string, typeText: string): CatalogColumn {
  const none = { notNull: false, hasDefault: false, generated: false, identity: false }
  const typeName = baseType(typeText)
  const type = { typeName, typeSql: `pg_catalog.${typeName}`, typeText }
  return { name, ...type, ...none, deterministic: true, virtual: false, sequence: null }
}

/** The type's name in the catalogue, without length or precision: `_text` for `text[]`. */
export function baseType(typeText: string): string {
  const base = typeText.replace(/[([].*$/, '')
  return typeText.endsWith('[]') ? `_${base}` : base
}
