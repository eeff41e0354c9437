// What `check` notes of a target: rows that a crash of its server would take, and keys that lead
// out of the plan.
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { createWorld } from '../helpers/world.ts'

test('UNLOGGED tables and partitions of the target are named, and no others', async () => {
  await using world = await createWorld({
    source: 'alter table note_lines set unlogged',
    target: `create unlogged table scratch (id int);
      alter table note_lines set unlogged; alter table visits_2026 set unlogged`,
    plan: { exclude: ['scratch'] },
  })
  const notes = await world.rehome.notes(world.plan())
  const found = notes.filter(({ message }) => /UNLOGGED/.test(message))
  expect(found.map(({ where, message }) => [where, /^.*UNLOGGED/.exec(message)?.[0]])).toEqual([
    ['target table "note_lines"', 'it is UNLOGGED'],
    ['target table "visits"', 'its partition "visits_2026" is UNLOGGED'],
  ])
})

test('keys to tables that do not move are named, where the plan fills them', async () => {
  await using world = await createWorld({
    both: `create schema apart; create table apart.rooms (id int primary key);
      create table moods (name text primary key);
      create table halls (name text primary key);
      alter table notes add mood text references moods, add hall text references halls,
        add room int constraint "in a room" references apart.rooms, add left_out text references moods`,
    source: 'alter table visits add hall text references halls',
    target: 'alter table visits add hall text',
    plan: {
      exclude: ['moods', 'halls'],
      tables: [
        table('tenants', { tenant: 'id' }),
        table('notes', { columns: { drop: ['left_out'] } }),
        table('note_lines', { through: 'note_id' }),
        table('visits'),
      ],
    },
  })
  const notes = await world.rehome.notes(world.plan())
  const found = notes.filter(({ message }) => /does not move/.test(message))
  const said = /^its foreign key (.*), which .* before(.*)$/
  expect(
    found.map(({ where, message }) => [where, ...(said.exec(message) ?? []).slice(1)]),
  ).toEqual([
    ['target table "notes"', '"notes_hall_fkey" refers to "halls"', instead('halls')],
    ['target table "notes"', '"notes_mood_fkey" refers to "moods"', instead('moods')],
    ['target table "notes"', '"in a room" refers to "rooms" of another schema', ''],
  ])
})

const instead = (name: string) => `, plan the table, or use \`shared('${name}', …)\``
