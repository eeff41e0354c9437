// Rows that rows of a tenant refer to, as an application for signatures has them: settings and
// claims of an organisation, the data of its documents, and pages below these.
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { type Application, createApplication, travel } from '../helpers/moves/journey.ts'
import { ended } from '../helpers/runs.ts'

const signatures: Application = {
  schema: `
    create table settings (id bigint primary key, theme text);
    create table claims (id bigint primary key, documents int);
    create table organisations (id bigint primary key, tenant_id text not null,
      settings_id bigint not null unique references settings, claim_id bigint references claims);
    create index on organisations (claim_id);
    create table document_data (id bigint primary key, body text);
    create table documents (id bigint primary key,
      organisation_id bigint not null references organisations on delete cascade,
      data_id bigint not null references document_data, title text);
    create index on documents (data_id);
    create table pages (data_id bigint not null references document_data on delete cascade, no int,
      primary key (data_id, no));
    create table seals (id bigint primary key, page_of bigint not null, page_no int not null,
      foreign key (page_of, page_no) references pages on delete cascade)`,
  seed: `
    insert into settings select g, 'light' from generate_series(1, 6) g;
    insert into claims values (1, 10), (2, 20);
    insert into organisations select g, case when g % 3 = 0 then 'beta' else 'acme' end, g,
      case when g % 3 = 0 then 2 else 1 end from generate_series(1, 6) g;
    insert into document_data select g, 'data' from generate_series(1, 30) g;
    insert into documents select g, 1 + g % 6, g, 'd' from generate_series(1, 25) g;
    insert into pages select g, 1 from generate_series(1, 25) g;
    insert into seals select g, g, 1 from generate_series(1, 25) g`,
  tables: [
    table('organisations'),
    table('settings', { referencedBy: 'organisations.settings_id' }),
    table('claims', { referencedBy: 'organisations.claim_id' }),
    table('documents', { through: 'organisation_id' }),
    // Data is uploaded before its document.
    table('document_data', { referencedBy: 'documents.data_id', nobody: 'stay' }),
    table('pages', { through: 'data_id' }),
    table('seals', { through: ['page_of', 'page_no'] }),
  ],
  write(i) {
    const id = 1_000 + 10 * i
    return [
      `insert into settings values (${id}, 'dark')`,
      `insert into organisations values (${id}, 'acme', ${id}, 1)`,
      `insert into document_data values (${id}, 'new'), (${id + 1}, 'newer')`,
      `insert into documents values (${id}, ${i % 2 ? id : 1}, ${id}, 'd')`,
      `insert into pages values (${id}, 1), (${id + 1}, 1)`,
      `insert into seals values (${id}, ${id}, 1), (${id + 1}, ${id + 1}, 1)`,
      `update settings set theme = theme || '.' where id in (1, ${id - 30})`,
      `update document_data set body = body || '.' where id in (12, ${id - 9})`,
      // A document gets other data, and a settings row goes with its organisation.
      `update documents set data_id = ${id + 1} where id = ${id}`,
      `delete from document_data where id = ${id}`,
      ...(i % 4 === 3
        ? [
            `delete from organisations where id = ${id - 20}`,
            `delete from settings where id = ${id - 20}`,
            `delete from document_data where id = ${id - 19}`,
          ]
        : []),
      ...(i % 5 === 4 ? [`delete from documents where id = ${id - 40}`] : []),
      ...(i % 5 === 4 ? [`delete from document_data where id = ${id - 39}`] : []),
    ]
  },
}

test('rows that rows of a tenant refer to move with these, and come back', async () => {
  await travel(signatures)
})

test('a row that two tenants refer to ends the move before anything is touched', async () => {
  await using world = await createApplication(signatures)
  await world.source.pool.query('update organisations set claim_id = 1 where id = 3')
  await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  expect([move?.error_code, move?.error_message]).toEqual([
    'ROWS_LEFT_BEHIND',
    expect.stringContaining(
      '"claims": 1 rows belong to several tenants, by "organisations.claim_id", e.g. (1)',
    ),
  ])
  expect(await world.target.pool.query('select from organisations')).toMatchObject({ rowCount: 0 })
})

test('rows to which none refers and a missing index are findings', async () => {
  await using world = await createApplication({
    ...signatures,
    schema: signatures.schema.replace('create index on documents (data_id);', ''),
    tables: signatures.tables.map((one) =>
      'nobody' in one && one.nobody ? { ...one, nobody: undefined } : one,
    ),
  })
  const found = await world.rehome.check(world.plan())
  const index = `no index begins with (data_id), by which its rows are found: \`create index on "public"."documents" ("data_id")\``
  expect(found).toEqual([
    {
      where: 'table "document_data"',
      message: expect.stringContaining(
        '5 rows have no tenant, as no row refers to them (documents.data_id): remove or change them',
      ),
    },
    { where: 'source table "documents"', message: index },
    { where: 'target table "documents"', message: index },
  ])
})
