/**
 * A plan by rule: every table that has the tenant's column, and then what the findings of `check`
 * ask for, round by round, as somebody would who reads them.
 */
import type { Finding } from '../../src/plan/catalogs/catalog.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import {
  discover,
  type ExcludedTable,
  type PlanInput,
  type TablePlan,
  table,
} from '../../src/plan/plan.ts'
import { shared } from '../../src/plan/shared-table.ts'
import { sql } from '../../src/plan/sql-text.ts'
import type { TableOptions } from '../../src/plan/table-options.ts'
import { anyOf, type Through } from '../../src/plan/through.ts'
import type { Case, Constraint, EndName, Table } from './case.ts'

export interface MadePlan {
  readonly input: PlanInput
  /** Tables whose rows move. */
  readonly moves: (table: string) => boolean
  readonly findings: readonly Finding[]
}

interface Draft {
  readonly tables: Map<string, TableOptions<object, object>>
  readonly excluded: Map<string, ExcludedTable>
  strategy: 'offline' | 'online'
  windowMs: number
  endpoints: Endpoints
  /** The id of the tenant that moves. */
  tenant: string
}

type Endpoints = Partial<Pick<PlanInput, EndName>>
type Check = (plan: PlanInput) => Promise<readonly Finding[]>

const roundsMax = 8
const isInstalledLater = /run `rehome init`|has no guard/

/**
 * First between the databases, which know of each table; then, as an application over HTTP serves
 * what a plan names, with these ends. `findings`: what is left that cannot be satisfied.
 */
export async function makePlan(
  kase: Case,
  { over, tenant }: { readonly over: Endpoints; readonly tenant: string },
  check: Check,
): Promise<MadePlan> {
  const draft = { ...firstDraft(kase), tenant }
  const made = await improve(kase, draft, check)
  if (Object.keys(over).length === 0 || made.findings.length > 0) return made
  draft.endpoints = over
  return await improve(kase, draft, check)
}

async function improve(kase: Case, draft: Draft, check: Check): Promise<MadePlan> {
  for (let round = 1; ; round += 1) {
    const input = inputOf(kase, draft)
    const found = await check(input)
    const findings = found.filter(({ message }) => !isInstalledLater.test(message))
    const before = textOf(draft)
    for (const { where, message } of findings) {
      answer(kase, draft, { where: withoutTenant(where), message })
    }
    if (findings.length === 0 || before === textOf(draft) || round === roundsMax) {
      return { input, findings, moves: (name) => movesBy(kase, draft, name) }
    }
  }
}

/** Where tenants have schemas, a finding is about one of a tenant's. */
export function withoutTenant(where: string): string {
  return where.replace(/ of tenant ".*"( and \d+ more)?$/, '')
}

function textOf({ tables, excluded, strategy, windowMs }: Draft): string {
  return JSON.stringify([[...tables], [...excluded], strategy, windowMs])
}

/** The id as the source's column writes it. */
export function tenantSql({ tables, tenantIds }: Pick<Case, 'tables' | 'tenantIds'>): string {
  const column = tables.flatMap((one) => one.columns.filter(({ name }) => name === one.tenant))
  return `select (${tenantIds.a})::${column[0]?.type ?? 'text'}::text as id`
}

function firstDraft({ tables, story, rows, prelude }: Case): Draft {
  const isSilo = story.shapes.source !== 'column'
  // Tables of other schemas are no affair of such a plan, unless a finding says so.
  const mayStay = ({ left, tenant, shared: isShared, outside }: Table) =>
    left && tenant ? true : isSilo && outside === null && (left || isShared)
  const stays = tables.filter(mayStay).map((one) => one.name)
  const counters = isSilo && prelude.some((piece) => piece.name === 'counters') ? ['counters'] : []
  const excluded = [...stays, ...counters].map((name) => {
    return [name, exclusionOf(name, rows.length)] as const
  })
  const named = tables
    .filter(
      ({ left, tenant, columns }) => !left && (tenant === 'id' || (tenant && isOther(columns))),
    )
    .map(({ name, tenant }) => [name, { tenant: tenant ?? 'id' }] as const)
  const byWays = tables
    .filter(({ left, ways }) => !left && ways.length > 0)
    .map(({ name, ways }) => [name, { through: throughOf(ways) }] as const)
  const referred = tables
    .filter(({ referredBy }) => referredBy.length > 0)
    .map(({ name, referredBy }) => {
      const paths = referredBy.map(({ table: by, column }) => `${by}.${column}`)
      return [name, { referencedBy: paths }] as const
    })
  return {
    tables: new Map<string, TableOptions<object, object>>([...named, ...byWays, ...referred]),
    excluded: new Map(excluded),
    strategy: story.strategy,
    windowMs: story.windowMs,
    endpoints: {},
    tenant: '',
  }
}

function throughOf(ways: Table['ways']): Through {
  const all = ways.map(({ columns, parent, parentColumns, declared, kind }) => {
    if (declared) return columns
    const to = columns.map((column, i) => [column, `${parent}.${parentColumns[i]}`] as const)
    const when = kind === null ? {} : { when: { sql: `r.kind = '${kind}'` } }
    return { ...Object.fromEntries(to), ...when }
  })
  const [first] = all
  return all.length === 1 && first ? first : anyOf(...all)
}

function isOther(columns: Table['columns']): boolean {
  return columns.some(({ becomes }) => becomes !== null)
}

function exclusionOf(name: string, count: number): ExcludedTable {
  return count % 2 === 0 ? { table: name, leaveReferences: true } : { table: name }
}

function movesBy(kase: Case, draft: Draft, name: string): boolean {
  if (draft.excluded.has(name)) return false
  const { tables } = kase
  const known = tables.find((one) => one.name === name)
  // All of a schema is the tenant's.
  if (kase.story.shapes.source !== 'column') return name !== 'counters' && !known?.outside
  return draft.tables.has(name) || known?.tenant === 'tenant_id' || (!known && name === 'outbox')
}

/** A shared table that the plan brings. null: no row that moves refers to it. */
function broughtEntry(kase: Case, draft: Draft, name: string): TablePlan | null {
  const isNeeded = (table: string): boolean => {
    const other = kase.tables.find((one) => one.name === table)
    return other?.brought ? broughtEntry(kase, draft, table) !== null : movesBy(kase, draft, table)
  }
  const paths = kase.constraints
    .filter(
      ({ parent, table, columns }) => parent === name && columns.length === 1 && isNeeded(table),
    )
    .map(({ table, columns }) => `${table}.${columns[0]}`)
  const known = kase.tables.find((one) => one.name === name)?.knownBy
  const newIds = known ? { newIds: { by: [known] } } : {}
  return paths.length > 0 ? shared(name, { referencedBy: [...new Set(paths)], ...newIds }) : null
}

function inputOf(kase: Case, draft: Draft): PlanInput {
  const { tables, tenantIds } = kase
  const everybodys = tables
    .filter(({ brought }) => brought)
    .map(({ name }) => ({ name, entry: broughtEntry(kase, draft, name) }))
  const unneeded = everybodys.flatMap(({ name, entry }) => (entry ? [] : [{ table: name }]))
  const named: TablePlan[] = [...draft.tables].map(([name, options]) => {
    const columns = tables.find((one) => one.name === name)?.columns ?? []
    return table(name, { ...options, ...optionsFor(columns, draft) })
  })
  return {
    name: 'fuzz',
    source: endpointOf(kase, 'source'),
    target: endpointOf(kase, 'target'),
    ...draft.endpoints,
    tenants:
      kase.story.shapes.source === 'column'
        ? { sql: tenantSql({ tables, tenantIds }) }
        : [draft.tenant],
    tables: [...named, ...everybodys.flatMap(({ entry }) => entry ?? []), discover()],
    exclude: [...draft.excluded.values(), ...unneeded],
    strategy: draft.strategy,
    chunkRows: 3,
    attempts: 2,
    backoffMs: 1,
    fence: { leaseMs: 20_000, drainMs: 5_000, retryAfterS: 1 },
    pause: { budgetMs: 60_000, attempts: 2 },
    rollback: { windowMs: draft.windowMs },
    concurrency: 1,
  }
}

function endpointOf({ schema, story }: Case, end: EndName): PlanInput['source'] {
  const shape = story.shapes[end]
  const urlFrom = `${end.toUpperCase()}_URL`
  if (shape === 'schema') return postgres({ urlFrom, poolSize: 6, schema: () => schema })
  if (shape === 'column') return postgres({ urlFrom, poolSize: 6, schema })
  return postgres({ url: (_, environment) => environment[urlFrom] ?? '', poolSize: 6, schema })
}

type Texts = Record<string, string | null>

/** Options that make one column of texts another one, and back again. */
function optionsFor(columns: Table['columns'], { endpoints }: Draft): TableOptions<object, object> {
  const [column] = columns.filter(({ becomes }) => becomes !== null)
  if (!column?.becomes) return {}
  const own = column.name
  const { name, prefix, by } = column.becomes
  if (prefix === '') return { columns: { rename: { [own]: name } } }
  const invert = ({ [name]: value = null, ...row }: Texts): Texts => {
    return { ...row, [own]: value === null ? null : value.slice(prefix.length) }
  }
  // An end over HTTP runs no SQL of a plan.
  if (by === 'transform' || endpoints.source) {
    const transform = ({ [own]: value = null, ...row }: Texts): Texts => {
      return { ...row, [name]: value === null ? null : prefix + value }
    }
    return { transform, invert } as TableOptions<object, object>
  }
  const compute = { [name]: sql`'> ' || r.code` }
  const changes = name === own ? { compute } : { compute, drop: [own] }
  return { columns: changes, invert } as TableOptions<object, object>
}

/** Does what the finding asks for, if it asks for something that a plan can do. */
function answer(kase: Case, draft: Draft, { where, message }: Finding): void {
  const name = /table "(.*)"$/.exec(where)?.[1] ?? ''
  if (/is not planned: plan it\b/.test(message)) classify(kase, draft, name)
  else if (message.includes('leaveReferences') && !draft.tables.has(name))
    draft.excluded.set(name, { table: name, leaveReferences: true })
  else if (message.includes('of another schema')) {
    draft.excluded.set(name, exclusionOf(name, kase.rows.length))
  } else if (message.startsWith('has no primary key')) {
    if (!draft.excluded.has(name)) nameKey(kase, draft, name)
  } else if (message.includes('windowMs: 0')) {
    draft.windowMs = 0
    if (message.includes('move offline')) draft.strategy = 'offline'
  } else if (message.includes('or `targetThrough`')) {
    classify(kase, draft, name)
  } else if (message.includes(`nobody: 'stay'`)) {
    if (!draft.excluded.has(name)) leaveNobodys(kase, draft, name)
  } else if (/online move|for offline moves|logged as jsonb/.test(message)) {
    draft.strategy = 'offline'
  } else if (/refer.*path|leads to .* not planned/.test(message) && !mayFollow(kase, draft, name)) {
    draft.tables.delete(name)
    draft.excluded.set(name, { table: name })
  }
}

/** A table that refers to its rows may be planned by another finding of the same round. */
function mayFollow({ tables }: Case, draft: Draft, name: string): boolean {
  const { referredBy = [] } = tables.find((one) => one.name === name) ?? {}
  return referredBy.some(({ table: by }) => !draft.excluded.has(by))
}

/** A child moves with its parent; what is only referred to stays. */
function classify(kase: Case, draft: Draft, name: string): void {
  const found = kase.tables.find((one) => one.name === name)
  if (found?.brought) return
  const through = found?.left ? undefined : firstPath(kase, draft, name)
  if (!through) {
    draft.excluded.set(name, exclusionOf(name, kase.rows.length))
    return
  }
  draft.excluded.delete(name)
  draft.tables.set(name, { ...draft.tables.get(name), through: through.columns })
}

function firstPath(kase: Case, draft: Draft, name: string): Constraint | undefined {
  return kase.constraints.find(
    (one) =>
      one.table === name &&
      one.parent !== null &&
      one.parent !== name &&
      one.part === null &&
      one.parentPart === null &&
      movesBy(kase, draft, one.parent),
  )
}

function leaveNobodys({ tables }: Case, draft: Draft, name: string): void {
  const tenant = tables.find((one) => one.name === name)?.tenant ?? 'tenant_id'
  draft.tables.set(name, { ...(draft.tables.get(name) ?? { tenant }), nobody: 'stay' })
}

function nameKey({ tables }: Case, draft: Draft, name: string): void {
  const found = tables.find((one) => one.name === name)
  if (!found) return
  const options = draft.tables.get(name) ?? { tenant: 'tenant_id' }
  draft.tables.set(name, { ...options, key: found.key })
}
