/**
 * The shards that copies are measured on: four tables of a task tracker, with the types that such
 * tables have. The rows lie on the disk in no order, as they do after years of updates.
 */

/** The order of tenants' rows on disk. */
export interface Layout {
  /** Row g belongs to the tenant at (g - 1) % owners.length. */
  readonly owners: readonly number[]
  /** Those that move. */
  readonly tenants: readonly string[]
}

function tenantId(number: number): string {
  return `00000000-0000-4000-8000-0000000000${String(number).padStart(2, '0')}`
}

/** One tenant, and as many rows again of ten others in between. */
export const oneTenant: Layout = {
  owners: Array.from({ length: 20 }, (_, i) => (i % 2 === 1 ? 0 : 10 + i / 2)),
  tenants: [tenantId(0)],
}

export const aloneTenant: Layout = { owners: [0], tenants: [tenantId(0)] }

/** Fifty tenants, of which the largest has a sixth of all rows, and the smallest 1 in 115. */
export const fiftyTenants: Layout = {
  owners: [40, 20, 20, ...repeated(4, 10), ...repeated(8, 5), ...repeated(35, 2)].flatMap(
    (weight, number) => repeated(weight, number),
  ),
  tenants: Array.from({ length: 50 }, (_, number) => tenantId(number)),
}

function repeated(times: number, value: number): number[] {
  return Array.from({ length: times }, () => value)
}

/** Parents first. */
export const tables = ['users', 'projects', 'tasks', 'comments'] as const
export type TableName = (typeof tables)[number]

/** Rows by table, together `rows`. */
function sizesOf(rows: number): Record<TableName, number> {
  const part = (share: number) => Math.max(1, Math.floor(rows * share))
  const sizes = { users: part(0.02), projects: part(0.01), tasks: part(0.6) }
  const others = sizes.users + sizes.projects + sizes.tasks
  return { ...sizes, comments: Math.max(1, rows - others) }
}

export const columns: Readonly<Record<TableName, string>> = {
  users: `id bigint not null, tenant_id uuid not null, email text not null, name text not null,
    settings jsonb not null, is_admin boolean not null, created_at timestamptz not null,
    last_login timestamptz`,
  projects: `id uuid not null, tenant_id uuid not null, owner_id bigint not null,
    name text not null, description text, budget numeric(14,2), archived boolean not null,
    created_at timestamptz not null`,
  tasks: `id bigint not null, tenant_id uuid not null, external_id uuid not null,
    project_id uuid not null, assignee_id bigint, title text not null, description text,
    metadata jsonb not null, estimate numeric(10,2), done boolean not null,
    created_at timestamptz not null, updated_at timestamptz`,
  comments: `id bigint not null, tenant_id uuid not null, task_id bigint not null,
    author_id bigint not null, body text not null, created_at timestamptz not null,
    edited_at timestamptz`,
}

export const createTables: string = tables
  .map((name) => `create table ${name} (${columns[name]});`)
  .join('\n')

/** A primary key and two more indexes a table, and its foreign keys. */
export const createIndexes = `
  alter table users add primary key (id);
  create index on users (tenant_id, created_at);
  create index on users (email);
  alter table projects add primary key (id);
  create index on projects (tenant_id, name);
  create index on projects (owner_id);
  alter table tasks add primary key (id);
  create index on tasks (tenant_id, created_at);
  create index on tasks (project_id);
  alter table comments add primary key (id);
  create index on comments (tenant_id, created_at);
  create index on comments (task_id);
  alter table projects add foreign key (owner_id) references users;
  alter table tasks add foreign key (project_id) references projects;
  alter table tasks add foreign key (assignee_id) references users;
  alter table comments add foreign key (task_id) references tasks;
  alter table comments add foreign key (author_id) references users;
`

/**
 * Statements that fill the tables, `rows` for each that moves together. Rows lie in no order, and
 * point at rows of the same tenant.
 */
export function fillStatements({ owners, tenants }: Layout, rows: number): string[] {
  const moving = new Set(tenants)
  const share = owners.filter((owner) => moving.has(tenantId(owner))).length
  const sizes = sizesOf(rows)
  const cycle = owners.length
  const rounds = (name: TableName) => Math.ceil(sizes[name] / share)
  const tenant = `(array[${owners.map((owner) => `'${tenantId(owner)}'`)}]::uuid[])[1 + (g - 1) % ${cycle}]`
  const parent = (name: TableName) =>
    `(${cycle} * (g * 7919 / ${cycle} % ${rounds(name)}) + 1 + (g - 1) % ${cycle})`
  return tables.map((name) => {
    const values = valuesOf[name]({ tenant, parent })
    const all = `generate_series(1, ${cycle * rounds(name)}::bigint)`
    return `insert into ${name} select ${values} from ${all} g order by hashint8(g)`
  })
}

interface Spots {
  readonly tenant: string
  /** A row of a table that belongs to the same tenant. */
  readonly parent: (name: TableName) => string
}

/** The values of row g, in the order of the columns. */
const valuesOf: Readonly<Record<TableName, (spots: Spots) => string>> = {
  users: ({ tenant }) => `g, ${tenant}, 'user' || g || '@example.com', 'Name of ' || g,
    jsonb_build_object('theme', 'dark', 'mails', g % 7, 'tags', array['a', 'b']),
    g % 50 = 0, ${dateOf('g')}, case when g % 3 > 0 then ${dateOf('g + 7')} end`,
  projects: ({ tenant, parent }) => `${uuidOf("'p' || g")}, ${tenant}, ${parent('users')},
    'Project ' || g, repeat('what it is about, ', g::int % 9), (g % 1000) * 12.34, g % 11 = 0,
    ${dateOf('g')}`,
  tasks: ({ tenant, parent }) => `g, ${tenant}, ${uuidOf("'x' || g")},
    ${uuidOf(`'p' || ${parent('projects')}`)}, case when g % 5 > 1 then ${parent('users')} end,
    'Task ' || md5(g::text), repeat(E'a line\\twith ünusual text\\n', g::int % 8),
    jsonb_build_object('labels', array['one', md5(g::text)], 'points', g % 13, 'open', g % 3 = 0),
    case when g % 4 > 0 then (g % 400) * 0.25 end, g % 3 = 0, ${dateOf('g')},
    case when g % 7 < 3 then ${dateOf('g + 99')} end`,
  comments: ({ tenant, parent }) => `g, ${tenant}, ${parent('tasks')}, ${parent('users')},
    repeat('Words of a comment. ', 1 + g::int % 9), ${dateOf('g')},
    case when g % 10 = 0 then ${dateOf('g + 3')} end`,
}

function dateOf(g: string): string {
  return `timestamptz '2020-01-01 00:00:00.123456+00' + (${g}) * interval '97.000001 seconds'`
}

function uuidOf(text: string): string {
  return `md5(${text})::uuid`
}
