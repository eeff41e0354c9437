// Billing: 130 tables, chains below accounts, catalogues for all, roles of an account or of none.
import type { RealApplication } from './real-application.ts'

const numbers = Array.from({ length: 42 }, (_, i) => i)

export const billing: RealApplication = {
  tenantTable: 'accounts',
  tenant: '1',
  schema: [
    `create table accounts (id bigint primary key, role_id bigint)`,
    `create table roles (id bigint primary key, account_id bigint references accounts, name text)`,
    `create table currencies (code text primary key)`,
    `create table tax_codes (id bigint primary key, currency text not null references currencies)`,
    ...numbers.flatMap((i) => [
      `create table heads_${i} (id bigint primary key, account_id bigint not null references accounts,
        tax_code_id bigint references tax_codes)`,
      `create table lines_${i} (id bigint primary key, head_id bigint not null references heads_${i})`,
      `create table line_notes_${i} (line_id bigint not null references lines_${i}, no int,
        body text, primary key (line_id, no))`,
    ]),
  ],
  seed: [
    `insert into accounts values (1), (2)`,
    `insert into roles values (1, null, 'owner'), (2, null, 'guest'), (3, 1, 'clerk'), (4, 2, 'clerk')`,
    `insert into currencies values ('EUR')`,
    `insert into tax_codes values (1, 'EUR')`,
    ...numbers.flatMap((i) => [
      `insert into heads_${i} values (1, 1, 1), (2, 2, 1)`,
      `insert into lines_${i} values (1, 1), (2, 2)`,
      `insert into line_notes_${i} values (1, 1, 'a'), (2, 1, 'b')`,
    ]),
  ].join('; '),
  everybodys: ['currencies', 'tax_codes'],
  lines: [`shared('tax_codes'`, `shared('currencies'`, `nobody: 'stay'`],
  write(i) {
    const [n, id] = [i % 42, 1_000 + 10 * i]
    return [
      `insert into currencies values ('C${i}')`,
      `insert into tax_codes values (${id}, 'C${i}')`,
      `insert into heads_${n} values (${id}, 1, ${id})`,
      `insert into lines_${n} values (${id}, ${id}), (${id + 1}, 1)`,
      `insert into line_notes_${n} values (${id}, 1, 'new'), (1, ${id}, 'more')`,
      `insert into roles values (${id}, 1, 'own'), (${id + 1}, null, 'global')`,
      `update line_notes_${n} set body = body || '.' where line_id = 1`,
      `update heads_${n} set tax_code_id = ${id} where id = 1`,
      ...(i % 3 === 2 ? [`delete from roles where id = ${id - 10}`] : []),
    ]
  },
}
