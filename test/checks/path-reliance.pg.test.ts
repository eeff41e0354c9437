// `check` names the functions of planned tables that find something by a search path which moves do
// not have; and none that finds everything all the same.
import { expect, test } from 'vitest'
import { type Known, reliesOn } from '../../src/ends/postgres/catalog/path-reliance.ts'
import { createWorld } from '../helpers/world.ts'

const known: readonly Known[] = [
  { kind: 'relation', name: 'notes', schema: 'app' },
  { kind: 'relation', name: 'notes', schema: 'public' },
  { kind: 'relation', name: 'Odd "name"', schema: 'app' },
  { kind: 'relation', name: 'numbers', schema: 'app' },
  { kind: 'function', name: 'next_number', schema: 'app' },
  { kind: 'type', name: 'mood', schema: 'app' },
]

test.each([
  ['begin insert into notes values (1); return new; end', ['notes']],
  [
    'select count(*) from\n  NOTES n join only "Odd ""name""" o using (id)',
    ['notes', 'Odd "name"'],
  ],
  ['select next_number()', ['next_number']],
  ['select Next_Number (1)', ['next_number']],
  [`select nextval('numbers')`, ['numbers']],
  [`select 'calm'::mood`, ['mood']],
  ['declare n notes%rowtype; begin return n; end', ['notes']],
  ['delete from app.notes using app."Odd ""name"""', []],
  [`select app.next_number(), nextval('app.numbers'), 'calm'::app.mood`, []],
  ['begin -- from notes\n /* select next_number() */ return new; end', []],
  ['begin new.notes := old.notes; return new; end', []],
  ['select notes from app.visits where mood = 1', []],
  ['select my_next_number(), x.next_number(1), $1.next_number', []],
])('of `%s` check reports: %j', (source, names) => {
  expect([...reliesOn(source, known).keys()].toSorted()).toEqual(names.toSorted())
})

test('a name tells all schemas that have it', () => {
  expect(reliesOn('select from notes', known)).toEqual(new Map([['notes', ['app', 'public']]]))
})

const functions = `
  create table numbers (n int); create sequence "Odd ids";
  create function is_short(text) returns boolean language sql immutable
    as $$ select length($1) < (select 100 from numbers union select 100 limit 1) $$;
  create function own_path(text) returns boolean language sql immutable set search_path = public
    as $$ select is_short($1) $$;
  create function qualified(text) returns boolean language plpgsql immutable
    as $$ begin return public.own_path($1); end $$;
  create function parsed(text) returns boolean language sql immutable
    begin atomic select is_short($1); end;
  create function odd_id() returns bigint language sql as $$ select nextval('"Odd ids"') $$;
  create function folded(text) returns text language plpgsql immutable
    as $$ begin return case when is_short($1) then lower($1) end; end $$;
  create function stamp() returns trigger language plpgsql
    as $$ begin perform from visits; return new; end $$;
  create domain short_text as text check (is_short(value));
  alter table notes add constraint short check (is_short(body)), add check (own_path(body)),
    add check (qualified(body)), add check (parsed(body)),
    add column odd bigint default odd_id(), add column short short_text;
  create index on notes (folded(body));
  create trigger stamp before insert on visits for each row execute function stamp();
  alter table visits enable always trigger stamp;
  create trigger ordinary before insert on tenants for each row execute function stamp();`

test('functions of triggers, defaults, constraints and indexes are named, once each', async () => {
  await using world = await createWorld({ source: functions, target: functions })
  const notes = async (plan = {}) => {
    const all = await world.rehome.notes(world.plan(plan))
    return all.filter(({ where }) => where.startsWith('source function'))
  }
  const found = await notes()
  expect(found.map(({ where }) => where)).toEqual(
    ['folded', 'is_short', 'odd_id', 'stamp'].map((name) => `source function public.${name}`),
  )
  expect(found.map(({ message }) => message)).toEqual([
    expect.stringMatching(/index "notes_folded_idx" of "notes" and names "is_short" without/),
    expect.stringMatching(
      /constraint "short(_text_check)?" of "notes" and names "numbers" without/,
    ),
    expect.stringMatching(/default of "notes.odd" and names "Odd ids" without/),
    expect.stringMatching(/trigger "stamp" of "visits" and names "visits" without/),
  ])
  expect(found[0]?.message).toContain(`set \`searchPath: ['public']\` in the plan`)
  expect(await notes({ searchPath: ['public'] })).toEqual([])
})
