// Statements whose locks are measured on a server: what rules find in each.

/** Tables, types and views that the statements, and the examples of all rules, name. */
export const corpusSchema = `
  create schema archive;
  create type order_state as enum ('open', 'sent');
  create type order_kind as enum ('one');
  create domain amount as integer;
  create table customers (id integer primary key, name text);
  create table orders (id serial primary key, customer_id integer, note text, code varchar(10),
    price integer not null default 1, amount integer, weight numeric(10, 2), day date default now(),
    number integer, seen timestamptz(3) default now(),
    gross integer generated always as (price) stored, state order_state default 'open', period daterange, due amount,
    constraint orders_customer_id_fkey foreign key (customer_id) references customers (id));
  create index orders_number on orders (number);
  create table lines (id integer not null, order_id integer, day date);
  create unique index lines_order on lines (order_id);
  create unique index lines_id on lines (id);
  create table events (id integer not null, day date not null) partition by range (day);
  create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
  create table events_old (id integer not null, day date not null);
  create view recent_orders as select name from customers;
  create materialized view order_totals as select id as customer_id from customers;
  create unique index order_totals_id on order_totals (customer_id);
  create policy all_of_it on orders using (true);
  create trigger orders_audit before update on orders
    for each row execute function suppress_redundant_updates_trigger();
  alter table orders add constraint price_known check (price is not null) not valid;
  alter table orders add constraint amount_known check (amount is not null);
  alter table orders add constraint customer_known foreign key (customer_id)
    references customers (id) not valid;`

export const corpusRows = `
  insert into customers select i, 'x' from generate_series(1, 50) i;
  insert into orders (customer_id, note, amount, number, period)
    select i, 'x', i, i, daterange('2026-01-01'::date + i, '2026-01-02'::date + i)
    from generate_series(1, 50) i;
  insert into lines select i, i from generate_series(1, 50) i;
  insert into events_old select i, '2020-02-01' from generate_series(1, 50) i;
  refresh materialized view order_totals;`

/** SQL and the codes that it gets. */
export type Entry = readonly [sql: string, ...codes: string[]]

export const inTransaction: readonly Entry[] = [
  ['alter table orders add column x integer'],
  ['alter table orders add column x timestamptz not null default now()'],
  ["alter table orders add column x text default 'a'"],
  ['alter table orders add column x uuid default gen_random_uuid()', 'column-default-rewrites'],
  [
    'alter table orders add column x timestamptz default clock_timestamp()',
    'column-default-rewrites',
  ],
  ['alter table orders add column x double precision default random()', 'column-default-rewrites'],
  ['alter table orders add column x bigserial', 'column-serial'],
  ['alter table orders add column x integer generated always as identity', 'column-serial'],
  [
    'alter table orders add column x integer generated always as (price) stored',
    'column-generated-stored',
  ],
  ['alter table orders add column x integer check (x > 0)', 'check-validated'],
  ['alter table orders add column x integer references customers'],
  [
    'alter table orders add column x integer default 1 references customers',
    'foreign-key-validated',
  ],
  ['alter table orders add column x integer unique', 'unique-builds-index'],
  ['alter table orders add column x json', 'column-json'],
  ['alter table orders drop column note', 'column-dropped'],
  ['alter table orders rename column note to remark', 'column-renamed'],
  ['alter table orders alter column id type bigint', 'column-type-rewrites'],
  ['alter table orders alter column seen type timestamptz(6)'],
  ['alter table orders alter column seen type timestamptz(1)', 'column-type-rewrites'],
  [
    'alter table orders alter column gross set expression as (price + 1)',
    'column-generated-stored',
  ],
  ['alter table orders alter column note type varchar(100)', 'column-type-rewrites'],
  ['alter table orders alter column weight type numeric(10, 3)', 'column-type-rewrites'],
  ['alter table orders alter column weight type numeric(12, 2)'],
  ['alter table orders alter column code type varchar(20)'],
  ['alter table orders alter column code type text'],
  ['alter table orders alter column note set not null', 'column-not-null'],
  ['alter table orders alter column amount set not null'],
  ['alter table orders alter column price drop not null', 'column-nullable'],
  ["alter table orders alter column note set default 'x'"],
  ['alter table orders alter column price drop default', 'column-default-dropped'],
  ['alter table orders alter column note set statistics 100'],
  ['alter table orders set (fillfactor = 90)'],
  ['alter table orders add constraint c check (price > 0)', 'check-validated'],
  ['alter table orders add constraint c check (price > 0) not valid'],
  ['alter table orders validate constraint price_known'],
  ['alter table orders validate constraint customer_known'],
  [
    'alter table lines add constraint c foreign key (order_id) references orders (id)',
    'foreign-key-validated',
  ],
  ['alter table lines add constraint c foreign key (order_id) references orders (id) not valid'],
  ['alter table orders add constraint c unique (number)', 'unique-builds-index'],
  ['alter table lines add primary key (id)', 'primary-key-builds-index'],
  [
    'alter table lines add constraint p primary key using index lines_order',
    'primary-key-from-index',
  ],
  ['alter table lines add constraint p primary key using index lines_id'],
  ['alter table orders add exclude using gist (period with &&)', 'exclusion-constraint'],
  ['alter table orders drop constraint orders_customer_id_fkey', 'foreign-key-dropped'],
  ['create index on orders (day)', 'index-not-concurrent'],
  ['create index on only events (day)'],
  ['create unique index on orders (number)', 'index-not-concurrent'],
  ['drop index orders_number', 'index-dropped'],
  ['reindex table orders', 'reindex-not-concurrent'],
  ['reindex index orders_number', 'reindex-not-concurrent'],
  ['alter index orders_number rename to x'],
  ['drop table lines', 'table-dropped'],
  ['alter table lines rename to x', 'table-renamed'],
  ['alter table lines set schema archive', 'schema-renamed'],
  ['truncate lines', 'table-truncated'],
  ['alter table lines set unlogged', 'table-rewritten'],
  ['cluster orders using orders_pkey', 'table-rewritten'],
  ['refresh materialized view order_totals', 'view-refreshed'],
  ['refresh materialized view concurrently order_totals'],
  ['alter domain amount add constraint c check (value > 0)', 'domain-constraint'],
  ['alter view recent_orders rename to x', 'table-renamed'],
  ["alter type order_state add value 'x'"],
  ["alter type order_state rename value 'sent' to 'x'", 'enum-value-renamed'],
  ['alter sequence orders_id_seq as bigint', 'sequence-type-changed'],
  ['alter table lines alter column id add generated by default as identity', 'column-identity'],
  [
    "alter table events attach partition events_old for values from ('2020-1-1') to ('2021-1-1')",
    'partition-attached',
  ],
  ["create table x partition of events for values from ('2027-01-01') to ('2028-01-01')"],
  ['alter table events detach partition events_2026', 'partition-detached'],
  [
    'create trigger x before update on orders for each row ' +
      'execute function suppress_redundant_updates_trigger()',
    'trigger-changed',
  ],
  ['drop trigger orders_audit on orders', 'trigger-changed'],
  ['alter table orders disable trigger orders_audit', 'trigger-changed'],
  ['alter table orders disable trigger all', 'trigger-changed', 'guards-disabled'],
  ['alter table orders enable row level security', 'row-security-changed'],
  ['create policy x on orders', 'row-security-changed'],
  ['alter policy all_of_it on orders using (false)', 'row-security-changed'],
  ['drop policy all_of_it on orders', 'row-security-changed'],
  ['create rule x as on update to lines do instead nothing', 'trigger-changed'],
  ['alter table orders replica identity full', 'replica-identity'],
  ['lock table orders in exclusive mode', 'table-locked'],
  ['update orders set note = null', 'rows-changed-at-once'],
  ['delete from lines where day is null', 'rows-changed-at-once'],
  [
    'with gone as (delete from lines returning *) insert into events_old select id, now() from gone',
    'rows-changed-at-once',
  ],
  [
    'with few as (select id from lines limit 9) delete from lines using few where lines.id = few.id',
  ],
  ['create table x (id bigint primary key, order_id integer references orders)'],
  ["comment on table orders is 'x'"],
  ['create publication x for table orders'],
  ['grant select on orders to public'],
]

/** Statements that PostgreSQL refuses in a transaction. They are run in this order, and stay. */
export const outsideTransaction: readonly Entry[] = [
  ['create index concurrently orders_day on orders (day)'],
  ['create index concurrently if not exists orders_x on orders (note)', 'invalid-index-kept'],
  ['reindex table concurrently orders'],
  ['drop index concurrently orders_number'],
  ['vacuum full orders', 'table-rewritten'],
]
