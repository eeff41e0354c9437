// A CRM whose fields are rows: definitions, values and options of each workspace, notes about
// several kinds of rows at once, pipelines, soft deletes, and currencies of everybody.
import type { RealApplication } from './real-application.ts'

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

export const fieldsCrm: RealApplication = {
  tenantTable: 'workspaces',
  tenant: uuid(1),
  schema: [
    `create domain email as text check (value ~ '@')`,
    `create type field_kind as enum ('text', 'number', 'select')`,
    `create table currencies (code char(3) primary key, digits smallint not null default 2)`,
    `create table users (id uuid primary key default gen_random_uuid(), email email not null unique)`,
    `create table workspaces (id uuid primary key default gen_random_uuid(), slug text not null unique,
      currency char(3) not null default 'EUR' references currencies)`,
    `create table workspace_members (id uuid primary key default gen_random_uuid(),
      workspace_id uuid not null references workspaces on delete cascade, user_id uuid not null references users,
      unique (workspace_id, user_id))`,
    `create table field_definitions (id uuid primary key default gen_random_uuid(),
      workspace_id uuid not null references workspaces on delete cascade, entity text not null,
      name text not null, kind field_kind not null, unique (workspace_id, entity, name))`,
    `create table field_options (id uuid primary key default gen_random_uuid(),
      field_id uuid not null references field_definitions on delete cascade, label text not null, position int not null)`,
    `create index on field_options (field_id)`,
    `create table companies (id uuid primary key default gen_random_uuid(),
      workspace_id uuid not null references workspaces on delete cascade, parent_id uuid references companies,
      name text not null, deleted_at timestamptz,
      search tsvector generated always as (to_tsvector('simple', name)) stored)`,
    `create unique index on companies (workspace_id, lower(name)) where deleted_at is null`,
    `create table people (id uuid primary key default gen_random_uuid(),
      workspace_id uuid not null references workspaces on delete cascade, company_id uuid references companies on delete set null)`,
    `create table person_emails (person_id uuid not null references people on delete cascade, address email not null,
      is_primary boolean not null default false, primary key (person_id, address))`,
    `create table pipelines (id uuid primary key default gen_random_uuid(),
      workspace_id uuid not null references workspaces on delete cascade, default_stage_id uuid)`,
    `create table stages (id uuid primary key default gen_random_uuid(),
      pipeline_id uuid not null references pipelines on delete cascade, probability numeric(5, 4) not null)`,
    `create index on stages (pipeline_id)`,
    `alter table pipelines add foreign key (default_stage_id) references stages on delete set null deferrable initially deferred`,
    `create table opportunities (id uuid primary key default gen_random_uuid(),
      stage_id uuid not null references stages, company_id uuid references companies, owner_id uuid references users,
      amount numeric(18, 4), currency char(3) references currencies, closes daterange)`,
    `create index on opportunities (stage_id)`,
    `create table opportunity_stage_changes (opportunity_id uuid not null references opportunities on delete cascade,
      at timestamptz not null, from_stage_id uuid references stages, to_stage_id uuid not null references stages,
      primary key (opportunity_id, at))`,
    `create table notes (id uuid primary key default gen_random_uuid(), author_id uuid references users, body jsonb not null)`,
    `create table note_targets (id uuid primary key default gen_random_uuid(),
      note_id uuid not null references notes on delete cascade, company_id uuid references companies on delete cascade,
      person_id uuid references people on delete cascade, opportunity_id uuid references opportunities on delete cascade,
      check (num_nonnulls(company_id, person_id, opportunity_id) = 1))`,
    `create index on note_targets (note_id)`,
    `create index on note_targets (company_id)`,
    `create index on note_targets (person_id)`,
    `create index on note_targets (opportunity_id)`,
    `create table field_values (field_id uuid not null references field_definitions on delete cascade,
      entity_id uuid not null, text_value text, number_value double precision,
      option_id uuid references field_options on delete set null, primary key (field_id, entity_id))`,
    `create table idempotency_keys (key text primary key, response jsonb)`,
  ],
  seed: `
    insert into currencies values ('EUR', 2), ('JPY', 0), ('USD', 2);
    insert into users select ('00000000-0000-4000-8000-' || lpad(g::text, 12, '0'))::uuid, 'u' || g || '@x'
      from generate_series(11, 16) g;
    insert into workspaces values ('${uuid(1)}', 'one', 'JPY'), ('${uuid(2)}', 'two', 'EUR');
    insert into workspace_members select md5('m' || w.slug || u.email)::uuid, w.id, u.id from workspaces w, users u
      where w.slug = 'one' or u.email < 'u14';
    insert into field_definitions select md5('f' || slug || k)::uuid, id, 'company', k::text, k
      from workspaces, unnest(enum_range(null::field_kind)) k;
    insert into field_options select md5('o' || id || n)::uuid, id, 'o' || n, n from field_definitions, generate_series(1, 2) n;
    insert into companies (id, workspace_id, name) select md5('c' || slug || g)::uuid, id, 'C' || g
      from workspaces, generate_series(1, 5) g;
    update companies set parent_id = md5('cone1')::uuid where workspace_id = '${uuid(1)}' and name > 'C3';
    insert into people select md5('p' || id)::uuid, workspace_id, id from companies;
    insert into person_emails select id, 'p@' || id, true from people;
    insert into pipelines select md5('l' || slug)::uuid, id from workspaces;
    insert into stages select md5('s' || id || n)::uuid, id, n / 4.0 from pipelines, generate_series(1, 3) n;
    update pipelines p set default_stage_id = s.id from stages s where s.pipeline_id = p.id and probability < 0.3;
    insert into opportunities select md5('d' || c.id)::uuid, s.id, c.id, '${uuid(11)}', 12.5, 'USD', '[2026-01-01,)'
      from companies c join pipelines p using (workspace_id) join stages s on s.id = p.default_stage_id;
    insert into opportunity_stage_changes select id, '2026-01-01Z', null, stage_id from opportunities;
    insert into notes select md5('n' || id)::uuid, '${uuid(12)}', '{"text": "hi"}' from companies;
    insert into note_targets select md5('t' || id)::uuid, md5('n' || id)::uuid, id from companies;
    insert into note_targets (id, note_id, person_id) select md5('u' || id)::uuid, md5('n' || company_id)::uuid, id from people;
    insert into field_values select f.id, c.id, 'v', null, null from field_definitions f
      join companies c using (workspace_id) where f.kind = 'text';
    insert into idempotency_keys values ('x', '{}')`,
  everybodys: ['users', 'currencies'],
  decisions: [
    // Each note is a workspace's, and may not be about anything yet.
    [
      `shared('notes', { referencedBy: 'note_targets.note_id' })`,
      `table('notes', { referencedBy: 'note_targets.note_id', nobody: 'stay' })`,
    ],
  ],
  lines: [
    `table('opportunities', { through: 'stage_id' })`,
    `table('note_targets', { through: anyOf('company_id', 'opportunity_id', 'person_id') })`,
    `table('field_values', { through: 'field_id' })`,
  ],
  write(i) {
    const [user, company, person, opportunity, note, target, pipeline, stage, field] = [
      0, 1, 2, 3, 4, 5, 6, 7, 8,
    ].map((n) => uuid(1_000 + 10 * i + n))
    const before = (n: number) => uuid(1_000 + 10 * (i - 2) + n)
    return [
      `insert into users values ('${user}', 'new${i}@x')`,
      `insert into workspace_members values ('${user}', '${uuid(1)}', '${user}')`,
      `insert into companies (id, workspace_id, name, parent_id) values ('${company}', '${uuid(1)}', 'N${i}', md5('cone1')::uuid)`,
      `insert into people values ('${person}', '${uuid(1)}', '${company}')`,
      `insert into person_emails values ('${person}', 'a@${i}', true)`,
      // A note before it is about anything.
      `insert into notes values ('${note}', '${user}', '{"n": ${i}}')`,
      `insert into note_targets (id, note_id, person_id) values ('${target}', '${note}', '${person}')`,
      `insert into pipelines values ('${pipeline}', '${uuid(1)}', '${stage}')`,
      `insert into stages values ('${stage}', '${pipeline}', 0.5)`,
      `insert into opportunities values ('${opportunity}', '${stage}', '${company}', '${user}', ${i}, 'USD', '[2026-02-01,2026-03-01)')`,
      `insert into opportunity_stage_changes values ('${opportunity}', '2026-02-01Z', null, '${stage}')`,
      `insert into field_definitions values ('${field}', '${uuid(1)}', 'person', 'f${i}', 'number')`,
      `insert into field_values values ('${field}', '${person}', null, ${i} / 3.0, null)`,
      `update companies set deleted_at = '2026-01-01Z' where id = '${before(1)}'`,
      `update note_targets set person_id = null, opportunity_id = '${before(3)}' where id = '${before(5)}'`,
      `update field_values set text_value = text_value || '.' where entity_id = md5('cone2')::uuid`,
      ...(i % 4 === 3
        ? [
            `delete from notes where id = '${before(4)}'`,
            `delete from opportunities where id = '${before(3)}'`,
            `delete from field_definitions where id = '${before(8)}'`,
          ]
        : []),
    ]
  },
}
