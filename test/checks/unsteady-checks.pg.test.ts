// A constraint whose condition is not immutable says nothing of the rows that satisfied it once:
// they are tried again, or `check` says that this is not possible.
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { createWorld } from '../helpers/world.ts'

const both = `drop table note_lines, notes, visits, tenants;
  create domain fresh as timestamptz check (value > now());
  create table offers (id int primary key, tenant_id text not null, until timestamptz check (until > current_timestamp),
    again fresh, n int check (n > 0));
  create table zones (id int primary key, tenant_id text not null);
  create function is_zone(int) returns bool language sql stable as 'select exists (select from public.zones where id = $1)';
  create table areas (id int primary key, tenant_id text not null, zone int,
    constraint "in a zone" check (is_zone(zone)));`

test('rows are tried against a condition that both ends have and that is not immutable', async () => {
  const tables = [table('areas'), table('offers'), table('zones')]
  await using world = await createWorld({ both, plan: { tables, tenants: ['acme'] } })
  await world.source.pool.query(`insert into zones values (1, 'acme');
    insert into areas values (1, 'acme', 1);
    insert into offers values (1, 'acme', now() + interval '10 ms', now() + interval '10 ms', 1),
      (2, 'acme', 'infinity', 'infinity', 1)`)
  await world.source.pool.query('select pg_sleep(0.02)')
  const findings = await world.rehome.check(world.plan())
  expect(findings.map(({ where }) => where)).toEqual(Array(2).fill('target table "offers"'))
  for (const { message } of findings) expect(message).toMatch(/\b1 rows .*\(id\) = \(1\)/)
  const notes = await world.rehome.notes(world.plan())
  expect(notes.map(({ message }) => message).join('\n')).toContain('CHECK "in a zone"')
})
