// Lists whose places are unique, with items and marks below them: values wander between the rows.
import { table } from '../../../src/plan/plan.ts'

const lists = `
  create table lists (id int primary key, tenant_id text not null, place int not null,
    code text not null, unique (tenant_id, place));
  create table items (list_id int not null references lists, n int not null, text text,
    primary key (list_id, n));
  create table marks (list_id int not null, n int not null, mark text not null,
    primary key (list_id, n, mark), foreign key (list_id, n) references items)`
export const tables = [
  table('tenants', { tenant: 'id' }),
  table('lists'),
  table('items', { through: 'list_id' }),
  table('marks', { through: ['list_id', 'n'] }),
]
export const both = `drop table note_lines, notes, visits; ${lists}`
export const seed = `insert into tenants (id, name) values ('acme', 'Acme');
  insert into lists select g, 'acme', g, 'code ' || g from generate_series(1, 30) g;
  insert into items select id, n, 'item' from lists, generate_series(1, 2) n;
  insert into marks select list_id, n, 'mark' from items`
export const everything = `select (select json_agg(l order by id) from lists l) as lists,
  (select json_agg(i order by list_id, n) from items i) as items,
  (select json_agg(m order by list_id, n) from marks m) as marks`
