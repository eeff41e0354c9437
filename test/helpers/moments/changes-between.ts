// Changes of every kind that are made between two requests of a round, each on rows of its own.
import { table } from '../../../src/plan/plan.ts'

/** Three levels below a key, and two below a column that is not the key. */
export const changingSchema = `drop table note_lines, notes, visits;
  create table lists (id int primary key, tenant_id text not null, place int not null, body text,
    unique (tenant_id, place));
  create table items (list_id int not null references lists on update cascade, n int not null,
    text text, primary key (list_id, n));
  create table marks (list_id int not null, n int not null, mark text not null, weight int,
    primary key (list_id, n, mark),
    foreign key (list_id, n) references items on update cascade);
  create table books (id int primary key, tenant_id text not null, code text not null unique,
    body text);
  create table pages (code text not null references books (code) on update cascade, n int not null,
    text text, primary key (code, n))`

export const changingTables = [
  table('tenants', { tenant: 'id' }),
  table('lists'),
  table('items', { through: 'list_id' }),
  table('marks', { through: ['list_id', 'n'] }),
  table('books'),
  table('pages', { through: 'code' }),
]

/** Group `g` has the lists 10g + 1 and 10g + 2, and the books of the same numbers. */
export function seedOf(tenant: string, groups: { first: number; count: number }): string {
  const last = groups.first + groups.count - 1
  const ids = `(select 10 * g + i as id from generate_series(${groups.first}, ${last}) g,
    generate_series(1, 2) i) l`
  return `insert into tenants (id, name) values ('${tenant}', 'Name');
    insert into lists select id, '${tenant}', id, 'body' from ${ids};
    insert into items select id, n, 'item' from ${ids}, generate_series(1, 2) n;
    insert into marks select id, n, 'mark', 0 from ${ids}, generate_series(1, 2) n;
    insert into books select id, '${tenant}', 'code ' || id, 'body' from ${ids};
    insert into pages select 'code ' || id, n, 'page' from ${ids}, generate_series(1, 2) n`
}

/** All rows of the tenant, as one text. */
export const everythingOf = `select
  (select json_agg(l order by id) from lists l where tenant_id = $1) as lists,
  (select json_agg(i order by list_id, n) from items i
    where list_id in (select id from lists where tenant_id = $1)) as items,
  (select json_agg(m order by list_id, n, mark) from marks m
    where list_id in (select id from lists where tenant_id = $1)) as marks,
  (select json_agg(b order by id) from books b where tenant_id = $1) as books,
  (select json_agg(p order by code, n) from pages p
    where code in (select code from books where tenant_id = $1)) as pages`

export interface Place {
  readonly tenant: string
  /** Another tenant, which stays at the source. */
  readonly other: string
  /** Id of the first list and book of the group. */
  readonly id: number
}

type Statements = (place: Place) => readonly string[]

/** Made at once, or one after the other in two places. */
export type KindOfChange = readonly [title: string, ...steps: Statements[]]

const update: Statements = ({ id }) => [
  `update lists set body = body || '!' where id = ${id}`,
  `update books set body = body || '!' where id = ${id}`,
]
const remove: Statements = ({ id }) => [
  `delete from marks where list_id = ${id}`,
  `delete from items where list_id = ${id}`,
  `delete from lists where id = ${id}`,
  `delete from pages where code = 'code ${id}'`,
  `delete from books where id = ${id}`,
]
const insertAs =
  (shift: number): Statements =>
  ({ id, tenant }) => [
    `insert into lists values (${id + shift}, '${tenant}', ${id + shift}, 'new')`,
    `insert into items values (${id + shift}, 1, 'new'), (${id + shift}, 2, 'new')`,
    `insert into marks values (${id + shift}, 1, 'new', 1), (${id + shift}, 1, 'newer', 1)`,
    `insert into books values (${id + shift}, '${tenant}', 'code ${id + shift}', 'new')`,
    `insert into pages values ('code ${id + shift}', 1, 'new'), ('code ${id + shift}', 2, 'new')`,
  ]
const insert = insertAs(5)
const insertAgain = insertAs(0)
const rekey = (from: number, to: number): Statements => {
  return ({ id }) => [
    `update lists set id = ${id + to} where id = ${id + from}`,
    `update books set id = ${id + to} where id = ${id + from}`,
  ]
}
/** Far below all others: pages that are read in the order of keys have passed it. */
const rekeyBackwards: Statements = ({ id }) => [
  `update lists set id = -id where id = ${id}`,
  `update books set id = -id where id = ${id}`,
]
const recode: Statements = ({ id }) => [`update books set code = code || ' new' where id = ${id}`]
const give: Statements = ({ id, other }) => [
  `update lists set tenant_id = '${other}' where id = ${id}`,
  `update books set tenant_id = '${other}' where id = ${id}`,
]
const take: Statements = ({ id, tenant }) => [
  `update lists set tenant_id = '${tenant}' where id = ${id}`,
  `update books set tenant_id = '${tenant}' where id = ${id}`,
]
const reparent: Statements = ({ id }) => [
  `update items set list_id = ${id + 1}, n = n + 10 where list_id = ${id}`,
  `update pages set code = 'code ${id + 1}', n = n + 10 where code = 'code ${id}'`,
]
const swap: Statements = ({ id }) => [
  `update lists set place = -place where id in (${id}, ${id + 1})`,
  `update lists set place = case -place when ${id} then ${id + 1} else ${id} end
    where id in (${id}, ${id + 1})`,
]
const touchChildren: Statements = ({ id }) => [
  `update items set text = text || '!' where list_id = ${id}`,
  `update marks set weight = weight + 1 where list_id = ${id + 1} and n = 1`,
  `delete from marks where list_id = ${id + 1} and n = 2`,
  `update pages set text = text || '!' where code = 'code ${id}'`,
]
const both =
  (...parts: Statements[]): Statements =>
  (place) =>
    parts.flatMap((part) => part(place))

/** Kinds in bundles: changes that make a round bring all children would hide what others break. */
export const kindsBetween: Readonly<Record<string, readonly KindOfChange[]>> = {
  'parents are updated and inserted': [
    ['parents are updated', update],
    ['parents are inserted with all below them, and another is updated', both(insert, update)],
    ['children are changed', touchChildren],
  ],
  'parents are deleted': [
    ['parents and all below them are deleted', remove],
    ['parents are updated, and then deleted', update, remove],
    ['new rows are deleted again', insert, ({ id, ...of }) => remove({ ...of, id: id + 5 })],
    ['parents are deleted, and come again under their key', remove, insertAgain],
    ['parents are exchanged for others of the same key', both(remove, insertAgain)],
    ['parents are updated, and then exchanged', update, both(remove, insertAgain)],
  ],
  'keys are changed': [
    ['parents get another key', rekey(0, 5)],
    ['parents are updated, and then get a key that lies before', update, rekeyBackwards],
    ['parents get another key, and their own again', rekey(0, 5), rekey(5, 0)],
    ['parents get another key twice', rekey(0, 5), rekey(5, 7)],
    ['another column changes that children refer to', recode],
    ['children move between parents', reparent],
    ['children move between parents, of which one is deleted', reparent, remove],
  ],
  'rows leave and arrive': [
    ['parents leave for another tenant', give],
    ['parents are updated, and then leave', update, give],
    ['parents leave for another tenant, and come back', give, take],
  ],
  'unique values are exchanged': [
    ['two rows exchange a value', swap],
    ['and exchange it again', swap, swap],
  ],
}
