// What a database would say about its tables, written down in a few words, for tests without one.
//
// A column is its type and what else is true of it: `text`, `int8 key`, `numeric(10,2) not-null`,
// `int8 -> projects.id`. Words: key (part of the primary key), not-null, default, generated,
// identity, nondeterministic, unique. A `key` is also not null.
import type {
  Catalog,
  CatalogColumn,
  CatalogForeignKey,
  CatalogTable,
} from '../../src/plan/catalogs/catalog.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import { type Plan, type PlanInput, type TablePlan, table } from '../../src/plan/plan.ts'
import { type Routing, routeTables } from '../../src/plan/routing/routes.ts'
import type { TableOptions } from '../../src/plan/table-options.ts'

type Row = Record<string, unknown>

export type Columns = Readonly<Record<string, string>>

export interface TableWords {
  readonly columns: Columns
  /** Foreign keys of several columns: `tenant_id, task_id -> tasks (tenant_id, id)`. */
  readonly foreignKeys?: readonly string[]
}

export type Tables = Readonly<Record<string, Columns | TableWords>>

export function catalogOf(tables: Tables, change: Partial<Catalog> = {}): Catalog {
  const entries = Object.entries(tables).map(([name, words]) => {
    const known = 'columns' in words && typeof words.columns === 'object'
    return [name, tableOf(name, known ? (words as TableWords) : { columns: words as Columns })]
  })
  return {
    schema: 'public',
    database: '',
    serverVersion: 170000,
    encoding: 'UTF8',
    mayReplicate: true,
    computed: new Map(),
    digestProbes: { record: 'same' },
    foreignSettings: [],
    ...change,
    tables: new Map(entries as [string, CatalogTable][]),
  }
}

export function tableOf(name: string, { columns, foreignKeys = [] }: TableWords): CatalogTable {
  const key = Object.keys(columns).filter((column) => columns[column]?.includes(' key'))
  return {
    name,
    columns: Object.entries(columns).map(([column, words]) => columnOf(column, words)),
    uniques: [
      ...(key.length > 0 ? [{ name: `${name}_pkey`, columns: key, primary: true }] : []),
      ...Object.keys(columns)
        .filter((column) => columns[column]?.includes(' unique'))
        .map((column) => ({ name: `${name}_${column}`, columns: [column], primary: false })),
    ],
    foreignKeys: [
      ...Object.entries(columns).flatMap(([column, words]) => pointerOf(column, words)),
      ...foreignKeys.map(foreignKeyOf),
    ],
    triggers: [],
    reactions: [],
    references: [],
    partitionKeys: [],
    partitions: [],
    partitionColumns: [],
    unguardable: [],
    rowSecurity: false,
    privileges: ['SELECT', 'INSERT', 'DELETE'],
    subscribed: false,
    outerKeys: [],
    outerChildren: [],
  }
}

function columnOf(name: string, words: string): CatalogColumn {
  const [typeText = 'text', ...more] = words.split(' ')
  const typeName = typeText.replace(/\(.*\)/, '')
  return {
    name,
    typeName,
    typeSql: `pg_catalog.${typeName}`,
    typeText,
    deterministic: !more.includes('nondeterministic'),
    notNull: more.includes('not-null') || more.includes('key'),
    hasDefault: more.includes('default'),
    generated: more.includes('generated'),
    identity: more.includes('identity'),
    virtual: false,
    sequence: null,
  }
}

function pointerOf(column: string, words: string): CatalogForeignKey[] {
  const [, parent, parentColumn] = /-> (\w+)\.(\w+)/.exec(words) ?? []
  if (parent === undefined || parentColumn === undefined) return []
  return [foreignKeyOf(`${column} -> ${parent} (${parentColumn})`)]
}

function foreignKeyOf(words: string): CatalogForeignKey {
  const [, columns = '', parent = '', parentColumns = ''] =
    /^(.*) -> (\w+) \((.*)\)$/.exec(words) ?? []
  const name = `${columns}_fkey`
  const lists = { columns: columns.split(', '), parentColumns: parentColumns.split(', ') }
  return { name, parent, parentSchema: 'public', deferrable: false, ...lists }
}

export function planOf(tables: PlanInput['tables'], change: Partial<PlanInput> = {}): Plan {
  return checkPlan({
    name: 'plan',
    source: postgres({ urlFrom: 'SOURCE_URL' }),
    target: postgres({ urlFrom: 'TARGET_URL' }),
    tenants: ['acme'],
    tables,
    ...change,
  })
}

/** The routing of a plan whose two ends look like this; the target like the source unless given. */
export function route(plan: Plan, source: Tables, target: Tables = source): Routing {
  return routeTables(plan, catalogOf(source), catalogOf(target))
}

/** `where: message`, a line each. */
export function findingsOf({ findings }: Pick<Routing, 'findings'>): string[] {
  return findings.map(({ where, message }) => `${where}: ${message}`)
}

/** The one table of a plan, named `notes`, from these columns to those; and what is said of it. */
export function routeNotes(
  options: TableOptions<Row, Row> & { computed?: Record<string, string> },
  source: Columns,
  target: Columns = source,
): { columns: Map<string, string>; findings: string[]; routing: Routing } {
  const { computed = {}, ...rest } = options
  const notes: TablePlan = table<Row, Row>('notes', rest)
  const types = Object.entries(computed).map(
    ([name, type]) => [`notes\u0000${name}`, type] as const,
  )
  const routing = routeTables(
    planOf([notes]),
    catalogOf({ notes: source }, { computed: new Map(types) }),
    catalogOf({ [notes.to ?? 'notes']: target }),
  )
  const [found] = routing.routes
  const columns = (found?.columns ?? []).map(
    ({ name, expression, castTo }) =>
      [name, castTo === null ? expression : `${expression}::${castTo}`] as const,
  )
  return { columns: new Map(columns), findings: findingsOf(routing), routing }
}
