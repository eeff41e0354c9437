// The small application that the proof of the fence writes to: every way in which a row of a tenant
// can change has a table here. Each tenant has the same rows; their ids tell them apart. Each comes
// with a partner, with whom it exchanges rows.
import { postgres } from '../../../src/plan/endpoint.ts'
import { definePlan, type PlanInput, table } from '../../../src/plan/plan.ts'
import { sql } from '../../../src/plan/sql-text.ts'

export const tenants = ['acme', 'beta', 'gamma', 'acme too', 'beta too', 'gamma too'] as const
export type Tenant = (typeof tenants)[number]

const partners = {
  acme: 'acme too',
  beta: 'beta too',
  gamma: 'gamma too',
  'acme too': 'acme',
  'beta too': 'beta',
  'gamma too': 'gamma',
} as const

export const partnerOf = (tenant: Tenant): Tenant => partners[tenant]

/** The first id of a tenant's notes; it has three. */
export const noteOf = (tenant: Tenant): number => 10 * tenants.indexOf(tenant) + 11

const tenantArray = `array['${tenants.join("', '")}']`

export const planned = ['tenants', 'notes', 'note_lines', 'visits'] as const

/** Tables that no plan moves, but through which planned rows change. */
const unguarded = ['moods', 'inbox', 'outbox', 'drop_box']

export const fencePlan: PlanInput = definePlan({
  name: 'fence',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: sql`select id from tenants`,
  tables: [
    table('tenants', { tenant: 'id' }),
    table('notes'),
    table('note_lines', { through: 'note_id' }),
    table('visits'),
  ],
  exclude: unguarded,
})

const tables = `
  create table moods (name text primary key);
  insert into moods select 'calm ' || t from unnest(${tenantArray}) t;
  create table tenants (id text primary key, name text not null);
  create table notes (
    id bigint primary key, tenant_id text not null references tenants on update cascade,
    mood text references moods on update cascade on delete set null, body text
  );
  create table note_lines (
    note_id bigint not null references notes on delete cascade on update cascade,
    line int not null, text text, primary key (note_id, line)
  );
  create table visits (
    tenant_id text not null, day date not null, hits int not null, primary key (tenant_id, day)
  ) partition by range (day);
  create table visits_2025 partition of visits for values from ('2025-01-01') to ('2026-01-01');
  create table visits_2026 partition of visits for values from ('2026-01-01') to ('2027-01-01')
    partition by range (day);
  create table visits_2026_h1 partition of visits_2026
    for values from ('2026-01-01') to ('2026-07-01');
  create table visits_2026_h2 partition of visits_2026
    for values from ('2026-07-01') to ('2027-01-01');`

/** Other doors to the same rows: triggers, views and rules that no plan knows. */
const doors = `
  create table inbox (tenant text, day date);
  create function from_inbox() returns trigger language plpgsql as $$ begin
    insert into visits values (new.tenant, new.day, 1);
    return new;
  end $$;
  create trigger from_inbox after insert on inbox for each row execute function from_inbox();
  create table outbox (tenant text, day date);
  create constraint trigger at_commit after insert on outbox deferrable initially deferred
    for each row execute function from_inbox();
  create table drop_box (tenant text, day date);
  create rule through as on insert to drop_box do instead insert into visits
    values (new.tenant, new.day, 1);
  create view calls as select tenant_id as tenant, day from visits;
  create trigger instead instead of insert on calls for each row execute function from_inbox();
  create view plain_visits as select * from visits;
  create function add_visit(tenant text, day date) returns void
    language sql security definer as $$ insert into visits values (tenant, day, 1) $$;
  create procedure add_visits(tenant text, day date) language plpgsql as $$ begin
    insert into visits values (tenant, day, 1);
    commit;
    insert into visits values (tenant, day + 1, 1);
  end $$;`

/**
 * Gates: while `test.gated` is on, a statement stands still between its snapshot and its first row.
 */
const gates = `
  create function gate() returns trigger language plpgsql as $$ begin
    if current_setting('test.gated', true) = 'on' then
      perform pg_advisory_xact_lock_shared(4711, 0);
    end if;
    return null;
  end $$;
  do $$ declare t regclass; begin
    for t in select oid from pg_class where relnamespace = 'public'::regnamespace
      and relkind in ('r', 'p') loop
      execute format('create trigger a_gate before insert or update or delete on %s
        for each statement execute function gate()', t);
      execute format('alter table %s enable always trigger a_gate', t);
    end loop;
  end $$;`

const seed = `
  insert into tenants select t, 'Name of ' || t from unnest(${tenantArray}) t;
  insert into notes select n * 10 + g, t, case g when 1 then 'calm ' || t end, 'note ' || g
    from unnest(${tenantArray}) with ordinality x (t, n), generate_series(1, 3) g;
  insert into note_lines select id, l, 'line ' || l from notes, generate_series(1, 2) l;
  insert into visits select id, day::date, 1 from tenants,
    unnest(array['2025-05-05', '2025-06-06', '2026-03-03', '2026-09-09']) day;`

export const applicationSql = `${tables}${doors}${gates}${seed}`
