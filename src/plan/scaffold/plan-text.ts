/**
 * A plan as a person would write it, from what was found out about a schema. What a plan cannot
 * say is excluded with a `// decide:`, so no table is missing and none moves by mistake. Pure.
 */
import { ident, literal } from '../../quote.ts'
import type { Catalog, CatalogTable } from '../catalogs/catalog.ts'
import type { Belonging, ClassifiedTable, KeyTo, Referrer, TypeTarget } from './belonging.ts'
import { columnsText, oneLine, property, quote, template, upperFirst } from './code-text.ts'
import { keyTextOf } from './key-text.ts'
import {
  isDeclared,
  isPlannable,
  isPlannedParent,
  parentsBefore,
  primaryKey,
  type Scaffold,
  usableTargets,
} from './plannable.ts'
import { sharedText } from './shared-text.ts'
import type { TenantCandidate } from './tenant-candidates.ts'

/** A line of `tables` or of `exclude`, and the comment above it. */
interface Entry {
  readonly in: 'tables' | 'exclude'
  readonly group: string
  readonly code: string
  readonly comment?: string | undefined
}

export function planText(scaffold: Scaffold): string {
  const { source, tenant, sourceFrom, targetFrom, target } = scaffold
  const entries = [
    ...parentsBefore(scaffold).map((one) => entryOf(one, scaffold)),
    ...outside(scaffold),
  ]
  const { groups } = scaffoldGroups
  const list = (where: Entry['in']) =>
    groups.flatMap((group) => {
      const own = entries.filter((entry) => entry.in === where && entry.group === group)
      return own.length === 0 ? [] : [`    // ${group}`, ...own.flatMap(linesOf)]
    })
  const isUsed = (name: string) => entries.some(({ code }) => code.includes(`${name}(`))
  const names = ['anyOf', 'definePlan', 'postgres', 'shared', 'sql', 'table'].filter(
    (name) => !['anyOf', 'shared'].includes(name) || isUsed(name),
  )
  const schema = (catalog: Catalog) =>
    catalog.schema === 'public' ? '' : `, schema: ${quote(catalog.schema)}`
  return [
    `import { ${names.join(', ')} } from 'rehome'`,
    '',
    '// Written by `rehome scaffold`. Read the comments, settle each `decide`, then `rehome check`.',
    'export default definePlan({',
    `  name: ${quote(nameOf(tenant))},`,
    `  source: postgres({ urlFrom: ${quote(sourceFrom)}${schema(source)} }),`,
    `  target: postgres({ urlFrom: ${quote(targetFrom)}${schema(target ?? source)} }),`,
    ...tenantsOf(scaffold),
    `  tenantColumn: ${quote(tenant.column)},`,
    '  tables: [',
    ...list('tables'),
    '  ],',
    ...(entries.some((entry) => entry.in === 'exclude')
      ? ['  exclude: [', ...list('exclude'), '  ],']
      : []),
    '})',
    '',
  ].join('\n')
}

const scaffoldGroups = {
  tenants: 'The tenants.',
  column: "Tables with the tenant's id.",
  through: 'Tables whose rows refer to a row of the tenant.',
  referred: 'Tables whose rows a row of the tenant refers to.',
  undecided: 'Tables with rows of tenants, which a plan cannot find yet: none of these moves.',
  everybody: 'Tables with rows of everybody, which are brought before a tenant that needs them.',
  shared: 'Tables with rows that several tenants may need.',
  none: 'Tables without rows of tenants.',
  outside: 'Tables of other schemas.',
  get groups() {
    const { tenants, column, through, referred, everybody } = this
    const { undecided, shared, none, outside } = this
    return [tenants, column, through, referred, everybody, undecided, shared, none, outside]
  },
}

type Form<Kind> = (
  belonging: Extract<Belonging, { kind: Kind }>,
  one: ClassifiedTable,
  scaffold: Scaffold,
) => Entry

/** How a plan expresses each kind of belonging. A new kind changes its line here. */
const forms: { readonly [Kind in Belonging['kind']]: Form<Kind> } = {
  column: ({ column }, one, scaffold) => {
    const isTenant = one.table === scaffold.tenant.table
    const options = column === scaffold.tenant.column ? [] : [`tenant: ${quote(column)}`]
    return planned(one, { scaffold, options, group: isTenant ? 'tenants' : 'column' })
  },
  through: ({ columns, parent }, one, scaffold) => {
    if (!isPlannable(one, scaffold)) {
      return undecided(one, `its way to the tenant leads over "${parent}", which is excluded`)
    }
    const options = [`through: ${columnsText(columns)}`]
    return planned(one, { scaffold, options, group: 'through' })
  },
  'any of': ({ keys }, one, scaffold) => {
    const excludedParent = keys.find(({ parent }) => !isPlannedParent(parent, one, scaffold))
    if (!isPlannable(one, scaffold)) {
      return undecided(one, `a way to the tenant leads over "${excludedParent?.parent}"`)
    }
    const list = keys.map((key) => wayText(key, one, scaffold))
    const options = [`through: anyOf(${list.join(', ')})`]
    return planned(one, { scaffold, options, group: 'through' })
  },
  undeclared: ({ columns, parent }, one, scaffold) => {
    if (!isPlannable(one, scaffold)) {
      return undecided(one, `its way to the tenant leads over "${parent}", which is excluded`)
    }
    const options = [`through: ${referenceText({ columns, parent }, scaffold)}`]
    return planned(one, { scaffold, options, group: 'through' })
  },
  polymorphic: (belonging, one, scaffold) => {
    const targets = usableTargets(one, scaffold)
    if (targets.length === 0) return undecided(one, 'no sampled type names a planned table')
    const options = [`through: ${typesText(belonging, { targets, scaffold })}`]
    return planned(withUnknown(one, belonging), { scaffold, options, group: 'through' })
  },
  'referred to': ({ by }, one, scaffold) => {
    if (!isPlannable(one, scaffold)) {
      return undecided(one, 'a plan needs a single column by which a planned table refers to it')
    }
    const options = [`referencedBy: ${columnsText(by.map(pathText))}`]
    return planned(one, { scaffold, options, group: 'referred' })
  },
  shared: (_, one, scaffold) => {
    if (!isPlannable(one, scaffold)) {
      const instead = 'bring the rows to the target before a tenant moves that needs them'
      return excluded(one, 'shared', instead)
    }
    return { in: 'tables', group: scaffoldGroups.everybody, ...sharedText(one, scaffold) }
  },
  'of shared': (_, one) => excluded(one, 'shared'),
  none: (_, one) => excluded(one, 'none'),
}

function wayText(key: KeyTo, one: ClassifiedTable, scaffold: Scaffold): string {
  return isDeclared(key, one, scaffold) ? columnsText(key.columns) : referenceText(key, scaffold)
}

function referenceText({ columns, parent }: KeyTo, { source }: Scaffold): string {
  const [column = ''] = columns
  const to = primaryKey(source.tables.get(parent))?.[0] ?? ''
  return `{ ${property(column)}: ${quote(`${parent}.${to}`)} }`
}

type Polymorphic = Extract<Belonging, { kind: 'polymorphic' }>

/** A list of references with conditions. */
function typesText(
  { type, id }: Polymorphic,
  { targets, scaffold }: { targets: readonly TypeTarget[]; scaffold: Scaffold },
): string {
  const lines = targets.map(({ type: one, parent }) => {
    const key = primaryKey(scaffold.source.tables.get(parent))?.[0] ?? ''
    const column = /^[a-z_][a-z0-9_]*$/.test(type) ? type : ident(type)
    const condition = `r.${column} = ${literal(one)}`
    const when = `when: sql\`${template(condition)}\``
    return `{ ${property(id)}: ${quote(`${parent}.${key}`)}, ${when} }`
  })
  return `[${lines.join(', ')}]`
}

/** Such rows have no tenant: `check` counts them. */
function withUnknown(one: ClassifiedTable, { unknown }: Polymorphic): ClassifiedTable {
  if (unknown.length === 0) return one
  const types = unknown.map((type) => JSON.stringify(type)).join(', ')
  const doubt = `${one.doubt}; decide: no table of tenants is named by ${types}`
  return { ...one, doubt }
}

function entryOf(one: ClassifiedTable, scaffold: Scaffold): Entry {
  // The compiler cannot see that the form is that of the belonging's own kind.
  const form = forms[one.belonging.kind] as Form<Belonging['kind']>
  return form(one.belonging as never, one, scaffold)
}

function planned(
  { table: name, why, doubt, tenantless }: ClassifiedTable,
  at: {
    scaffold: Scaffold
    options: readonly string[]
    group: 'tenants' | 'column' | 'through' | 'referred'
  },
): Entry {
  const { source, target } = at.scaffold
  const table = source.tables.get(name)
  const group = scaffoldGroups[at.group]
  const there = target?.tables.get(name)
  if (target && !there) {
    const comment = 'decide: the target has no such table: set `to`, or leave the rows'
    return { in: 'exclude', group: scaffoldGroups.undecided, code: quote(name), comment }
  }
  const key = table ? keyTextOf(table, source.schema) : {}
  const drop = there ? missingAt(there, table) : []
  const options = [
    ...at.options,
    ...(tenantless ? [`nobody: 'stay'`] : []),
    ...(key.option ? [key.option] : []),
    ...(drop.length > 0 ? [`columns: { drop: [${drop.map(quote).join(', ')}] }`] : []),
  ]
  const comments = [
    doubt ? `guessed: ${why}; ${doubt}` : [],
    key.comment ?? [],
    drop.length > 0
      ? 'decide: the target has no such columns: rename or compute them, or drop'
      : [],
  ].flat()
  const code = options.length === 0 ? quote(name) : `${quote(name)}, { ${options.join(', ')} }`
  return { in: 'tables', group, code: `table(${code})`, comment: comments.join('. ') || undefined }
}

function undecided(one: ClassifiedTable, instead: string): Entry {
  return excluded(one, 'undecided', instead)
}

/**
 * A table none of whose rows moves. It has a `decide`, unless the schema alone connects it with no
 * tenant: `check` accepts what is excluded, and cannot find rows that a wrong guess leaves behind.
 */
function excluded(
  { table, why, doubt }: ClassifiedTable,
  group: 'undecided' | 'shared' | 'none',
  remedy?: string,
): Entry {
  const facts = doubt ? `${why}; ${doubt}` : why
  const isSure = group === 'none' && doubt === undefined
  const instead = remedy ?? (isSure ? undefined : 'its rows stay: confirm that, or plan the table')
  const comment = instead ? `decide: ${facts}. ${upperFirst(instead)}` : facts
  return { in: 'exclude', group: scaffoldGroups[group], code: quote(table), comment }
}

/** Tables of other schemas hang together with planned ones, and cannot move. */
function outside({ source, tables }: Scaffold): Entry[] {
  const names = tables.flatMap(({ table }) => {
    const { outerKeys = [], outerChildren = [] } = source.tables.get(table) ?? {}
    return [...outerKeys.map((key) => `${key.parentSchema}.${key.parent}`), ...outerChildren]
  })
  return [...new Set(names)].map((name) => ({
    in: 'exclude',
    group: scaffoldGroups.outside,
    code: quote(name),
    comment: 'decide: keys lead to it or come from it; tables of other schemas do not move',
  }))
}

function pathText({ table, columns }: Referrer): string {
  return `${table}.${columns[0]}`
}

function missingAt(there: CatalogTable, here: CatalogTable | undefined): string[] {
  const names = (here?.columns ?? []).map(({ name }) => name)
  return names.filter((name) => !there.columns.some((column) => column.name === name))
}

function tenantsOf({ tenant, tables }: Scaffold): string[] {
  const query = (text: string) => `  tenants: sql\`${template(text)}\`,`
  if (tenant.table !== null)
    return [query(`select ${ident(tenant.id)} from ${ident(tenant.table)}`)]
  const first = tables.find(({ belonging }) => belonging.kind === 'column')
  return [
    `  // guessed: no table has the tenants; decide which one has a row for each of them`,
    query(`select distinct ${ident(tenant.id)} from ${ident(first?.table ?? '')}`),
  ]
}

function nameOf({ table, column }: TenantCandidate): string {
  return (table ?? column).replace(/[^A-Za-z0-9_.-]/g, '-').slice(0, 64)
}

function linesOf({ code, comment }: Entry): string[] {
  const line = `    ${code},`
  return comment === undefined ? [line] : [`    // ${oneLine(comment)}`, line]
}
