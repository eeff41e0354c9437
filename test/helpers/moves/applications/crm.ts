// A CRM: tags on anything, contacts of several companies, deals and contacts that refer to each
// other, activities about one of three kinds of rows, and fields of the workspace's own.
import type { RealApplication } from './real-application.ts'

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

export const crm: RealApplication = {
  tenantTable: 'workspaces',
  tenant: uuid(1),
  schema: [
    `create type stage as enum ('open', 'won', 'lost')`,
    `create table workspaces (id uuid primary key, slug text not null unique)`,
    `create table users (id uuid primary key, email text not null unique, locale text)`,
    `create table memberships (workspace_id uuid not null references workspaces,
      user_id uuid not null references users, primary key (workspace_id, user_id))`,
    `create table companies (id uuid primary key, workspace_id uuid not null references workspaces,
      owner_id uuid references users)`,
    `create table contacts (id uuid primary key, workspace_id uuid not null references workspaces,
      deal_id uuid, fields jsonb not null default '{}')`,
    `create table company_contacts (company_id uuid not null references companies on delete cascade,
      contact_id uuid not null references contacts on delete cascade, primary key (company_id, contact_id))`,
    `create table deals (id uuid primary key, workspace_id uuid not null references workspaces,
      contact_id uuid references contacts, stage stage not null default 'open', value numeric(12, 2))`,
    `alter table contacts add foreign key (deal_id) references deals`,
    `create table tags (id uuid primary key, workspace_id uuid not null references workspaces, label text,
      unique (workspace_id, label))`,
    `create table taggings (tag_id uuid not null references tags on delete cascade, taggable_type text not null,
      taggable_id uuid not null, primary key (tag_id, taggable_type, taggable_id))`,
    `create table activities (id uuid primary key, regarding_type text not null, regarding_id uuid not null,
      at timestamptz, body text)`,
    `create index on activities (regarding_id)`,
    `create table custom_fields (workspace_id uuid not null, name text not null, kind text,
      unique (workspace_id, name))`,
    `create table countries (code char(2) primary key)`,
  ],
  seed: `
    insert into workspaces values ('${uuid(1)}', 'one'), ('${uuid(2)}', 'two');
    insert into users select ('00000000-0000-4000-8000-' || lpad(g::text, 12, '0'))::uuid, 'u' || g
      from generate_series(11, 16) g;
    insert into memberships select w.id, u.id from workspaces w, users u where w.slug = 'one' or u.email < 'u14';
    insert into companies select md5('c' || w.slug || g)::uuid, w.id, '${uuid(12)}' from workspaces w, generate_series(1, 4) g;
    insert into companies values ('${uuid(100)}', '${uuid(1)}', '${uuid(11)}');
    insert into contacts select md5('p' || w.slug || g)::uuid, w.id from workspaces w, generate_series(1, 4) g;
    insert into company_contacts select c.id, p.id from companies c join contacts p using (workspace_id);
    insert into deals select md5('d' || id)::uuid, workspace_id, id, 'open', 12.5 from contacts;
    update contacts c set deal_id = d.id from deals d where d.contact_id = c.id;
    insert into tags select md5('t' || id)::uuid, id, 'vip' from workspaces;
    insert into taggings select t.id, 'Contact', c.id from tags t join contacts c using (workspace_id);
    insert into activities select md5('a' || id)::uuid, 'Deal', id, '2026-01-01Z', 'called' from deals;
    insert into activities select md5('b' || id)::uuid, 'Company', id, '2026-01-01Z', 'met' from companies;
    insert into custom_fields select id, 'size', 'int' from workspaces;
    insert into countries values ('de')`,
  everybodys: ['users'],
  lines: [
    `table('taggings', { through: 'tag_id' })`,
    "{ regarding_id: 'deals.id', when: sql`r.regarding_type = 'Deal'` }",
    `table('custom_fields', { key: ['workspace_id', 'name'] })`,
  ],
  write(i) {
    const [user, company, contact, deal, tag, activity] = [0, 1, 2, 3, 4, 5].map((n) =>
      uuid(1_000 + 10 * i + n),
    )
    const before = uuid(1_000 + 10 * i - 8)
    return [
      `insert into users values ('${user}', 'new ${i}')`,
      `insert into memberships values ('${uuid(1)}', '${user}')`,
      `insert into companies values ('${company}', '${uuid(1)}', '${user}')`,
      `insert into contacts values ('${contact}', '${uuid(1)}', null, '{"n": ${i}}')`,
      `insert into company_contacts values ('${company}', '${contact}'), ('${uuid(100)}', '${contact}')`,
      `insert into activities values ('${activity}', 'Deal', '${deal}', '2026-02-01Z', 'early')`,
      `insert into deals values ('${deal}', '${uuid(1)}', '${contact}', 'won', ${i})`,
      `update contacts set deal_id = '${deal}' where id = '${contact}'`,
      `insert into tags values ('${tag}', '${uuid(1)}', 'label ${i}')`,
      `insert into taggings values ('${tag}', 'Contact', '${contact}'), ('${tag}', 'Deal', '${deal}')`,
      `update activities set body = body || '.' where regarding_id = '${uuid(100)}'`,
      `update activities set regarding_type = 'Company', regarding_id = '${company}'
        where id = '${uuid(1_000 + 10 * i - 5)}'`,
      ...(i % 4 === 3
        ? [
            `update contacts set deal_id = null where id = '${before}'`,
            `update deals set contact_id = null where contact_id = '${before}'`,
            `delete from contacts where id = '${before}'`,
            `delete from tags where id = '${uuid(1_000 + 10 * i - 16)}'`,
          ]
        : []),
    ]
  },
}
