/**
 * The shards that copies are measured on: four tables of a task tracker, with the types that such
 * tables have. The rows lie on the disk in no order, as they do after years of updates.
 */

/** One tenant, and as many rows again of ten others in between. */
export const tenant = '00000000-0000-4000-8000-000000000000'

/** Parents first. */
export const tables = ['users', 'projects', 'tasks', 'comments'] as const
export type TableName = (typeof tables)[number]

/** A tenant's rows by table, together `rows`. */
export function sizesOf(rows: number): Record<TableName, number> {
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
 * Row g of a table belongs to the tenant where g is even, else to one of ten others, and it points
 * at rows of the same tenant. `$1` rows of the tenant, `$2` and `$3` of the parents.
 */
export const fill: Readonly<Record<TableName, string>> = {
  users: `insert into users select g, ${tenantOf('g')}, 'user' || g || '@example.com',
      'Name of ' || g, jsonb_build_object('theme', 'dark', 'mails', g % 7, 'tags', array['a', 'b']),
      g % 50 = 0, ${dateOf('g')}, case when g % 3 > 0 then ${dateOf('g + 7')} end
    from generate_series(1, 2 * $1::bigint) g where $2::bigint + $3::bigint >= 0 order by hashint8(g)`,
  projects: `insert into projects select ${uuidOf("'p' || g")}, ${tenantOf('g')},
      ${parentOf('g', '$2')}, 'Project ' || g, repeat('what it is about, ', g::int % 9),
      (g % 1000) * 12.34, g % 11 = 0, ${dateOf('g')}
    from generate_series(1, 2 * $1::bigint) g where $3::bigint >= 0 order by hashint8(g)`,
  tasks: `insert into tasks select g, ${tenantOf('g')}, ${uuidOf("'x' || g")},
      ${uuidOf(`'p' || ${parentOf('g', '$3')}`)},
      case when g % 5 > 1 then ${parentOf('g', '$2')} end, 'Task ' || md5(g::text),
      repeat(E'a line\\twith ünusual text\\n', g::int % 8),
      jsonb_build_object('labels', array['one', md5(g::text)], 'points', g % 13, 'open', g % 3 = 0),
      case when g % 4 > 0 then (g % 400) * 0.25 end, g % 3 = 0, ${dateOf('g')},
      case when g % 2 = 0 then ${dateOf('g + 99')} end
    from generate_series(1, 2 * $1::bigint) g order by hashint8(g)`,
  comments: `insert into comments select g, ${tenantOf('g')}, ${parentOf('g', '$2')},
      ${parentOf('g', '$3')}, repeat('Words of a comment. ', 1 + g::int % 9), ${dateOf('g')},
      case when g % 10 = 0 then ${dateOf('g + 3')} end
    from generate_series(1, 2 * $1::bigint) g order by hashint8(g)`,
}

/** The sizes that a table's `fill` is given. */
export function fillSizes(sizes: Record<TableName, number>): Record<TableName, number[]> {
  const { users, projects, tasks, comments } = sizes
  return {
    users: [users, 0, 0],
    projects: [projects, users, 0],
    tasks: [tasks, users, projects],
    comments: [comments, tasks, users],
  }
}

function tenantOf(g: string): string {
  const other = `('00000000-0000-4000-8000-0000000000' || (10 + ${g} / 2 % 10))`
  return `(case when ${g} % 2 = 0 then '${tenant}' else ${other} end)::uuid`
}

/** Of the same parity, hence as likely of the same tenant; always so for the one that moves. */
function parentOf(g: string, size: string): string {
  return `(2 * (${g} * 7919 / 2 % ${size}::bigint) + 2 - ${g} % 2)`
}

function dateOf(g: string): string {
  return `timestamptz '2020-01-01 00:00:00.123456+00' + (${g}) * interval '97.000001 seconds'`
}

function uuidOf(text: string): string {
  return `md5(${text})::uuid`
}
