// Signatures: settings, claims and the data of documents are rows that an organisation's rows refer
// to; users are members of several organisations.
import type { RealApplication } from './real-application.ts'

export const signing: RealApplication = {
  tenantTable: 'organisations',
  tenant: '1',
  schema: [
    `create table settings (id bigint primary key, theme text)`,
    `create table claims (id bigint primary key, documents int)`,
    `create table organisations (id bigint primary key, name text,
      settings_id bigint not null unique references settings,
      claim_id bigint not null unique references claims)`,
    `create table users (id bigint primary key, email text not null unique)`,
    `create table members (organisation_id bigint not null references organisations,
      user_id bigint not null references users, role text, primary key (organisation_id, user_id))`,
    `create table document_data (id bigint primary key, body text)`,
    `create table documents (id bigint primary key,
      organisation_id bigint not null references organisations,
      data_id bigint not null references document_data, author_id bigint references users)`,
    `create index on documents (data_id)`,
    `create table recipients (id bigint primary key,
      document_id bigint not null references documents on delete cascade, email text)`,
    `create table fields (recipient_id bigint not null references recipients on delete cascade,
      page int, at point, primary key (recipient_id, page))`,
    `create table sessions (id uuid primary key, user_id bigint not null references users)`,
  ],
  seed: `
    insert into settings select g, 'light' from generate_series(1, 2) g;
    insert into claims select g, 10 from generate_series(1, 2) g;
    insert into organisations select g, 'org ' || g, g, g from generate_series(1, 2) g;
    insert into users select g, 'user ' || g from generate_series(1, 9) g;
    insert into members select 1 + g % 2, g, 'member' from generate_series(1, 8) g;
    insert into members values (1, 1, 'guest');
    insert into document_data select g, 'data' from generate_series(1, 40) g;
    insert into documents select g, 1 + g % 2, g, 1 + g % 9 from generate_series(1, 40) g;
    insert into recipients select g, g, 'to ' || g from generate_series(1, 40) g;
    insert into fields select g, p, point(g, p) from generate_series(1, 40) g, generate_series(1, 2) p;
    insert into sessions values ('00000000-0000-4000-8000-000000000001', 1)`,
  everybodys: ['users'],
  lines: [
    `table('settings', { referencedBy: 'organisations.settings_id' })`,
    `table('claims', { referencedBy: 'organisations.claim_id' })`,
    `table('document_data', { referencedBy: 'documents.data_id' })`,
    `shared('users', { referencedBy: [`,
  ],
  write(i) {
    const id = 1_000 + 10 * i
    return [
      `insert into users values (${id}, 'new ${i}'), (${id + 1}, 'author ${i}')`,
      `insert into members values (1, ${id}, 'new')`,
      `insert into document_data values (${id}, 'new'), (${id + 1}, 'signed')`,
      `insert into documents values (${id}, 1, ${id}, ${id + 1})`,
      `insert into recipients values (${id}, ${id}, 'a'), (${id + 1}, ${id}, 'b')`,
      `insert into fields values (${id}, 1, point(1, ${i}))`,
      `update documents set data_id = ${id + 1} where id = ${id}`,
      `delete from document_data where id = ${id}`,
      `update settings set theme = 'dark ${i}' where id = 1`,
      `update claims set documents = documents + 1 where id = 1`,
      `update document_data set body = body || '.' where id in (2, ${id - 9})`,
      ...(i % 4 === 3
        ? [
            `delete from documents where id = ${id - 20}`,
            `delete from document_data where id = ${id - 19}`,
            `delete from members where user_id = ${id - 30}`,
          ]
        : []),
    ]
  },
}
