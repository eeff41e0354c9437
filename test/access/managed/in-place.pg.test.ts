// Findings and notes of `check` for a role that may not switch foreign keys off: changed rows come
// in place then, and what stands against that is named.
import pg from 'pg'
import { expect, test } from 'vitest'
import { discover } from '../../../src/plan/plan.ts'
import { createManagedWorld } from './managed-world.ts'

const plain = { attributes: 'createdb createrole noreplication', switches: false }

test('check names circles, triggers that would fire, missing rights, and exchanges', async () => {
  await using world = await createManagedWorld(
    plain,
    `create table heads (id int primary key, tenant_id text not null, arm int);
    create table arms (id int primary key, tenant_id text not null, head int references heads (id));
    alter table heads add foreign key (arm) references arms (id);
    create table codes (id int primary key, tenant_id text not null, code text unique,
      other text unique deferrable, exclude using btree (other with =));
    create unique index codes_lower on codes (lower(other));
    create unique index codes_some on codes (other) where id > 5;
    create table uses (id int primary key, tenant_id text not null,
      code text references codes (code));
    create function touch() returns trigger language plpgsql as 'begin return new; end';
    create trigger touched before update on codes for each row execute function touch();
    create rule kept as on insert to codes where new.id < 0 do also select 1`,
  )
  for (const { pool, name } of [world.source, world.target]) {
    const from = `public, ${pg.escapeIdentifier(`customer of ${world.control.name}`)}`
    await pool.query(`revoke temporary on database ${pg.escapeIdentifier(name)} from ${from}`)
  }
  const plan = world.plan({ strategy: 'online', tables: [discover({ follow: true })] })
  const exclude = ['tenants', 'notes', 'note_lines', 'visits']
  const findings = await world.rehome.check({ ...plan, exclude, tenants: ['acme'] })
  const texts = findings.map(({ where, message }) => `${where}: ${message}`)
  const grant = '`grant set on parameter session_replication_role`'
  const temporary = `${grant} or \`grant temporary on database\` for our role`
  const instead = `${grant} to our role, or disable it`
  const guards = /has no guard/
  const sorted = texts.filter((text) => !guards.test(text)).toSorted()
  expect(sorted).toEqual([
    `source "arms" → "heads": foreign keys form a circle: a rollback that keeps writes needs ${grant} for our role; or set \`rollback: { windowMs: 0 }\``,
    `source table "codes": rule "kept" would fire on each INSERT of ours: ${instead}`,
    `source table "codes": trigger "touched" would fire on each UPDATE of ours: ${instead}`,
    `source: a rollback that keeps writes needs ${temporary}; or set \`rollback: { windowMs: 0 }\``,
    `target "arms" → "heads": foreign keys form a circle: grant set on parameter session_replication_role`,
    `target table "codes": rule "kept" would fire on each INSERT of ours: ${instead}`,
    `target table "codes": trigger "touched" would fire on each UPDATE of ours: ${instead}`,
    `target: an online move needs ${temporary}`,
  ])
  const notes = await world.rehome.notes({ ...plan, exclude, tenants: ['acme'] })
  const named = (where: string, start: RegExp) =>
    notes.flatMap((note) => (note.where === where && start.exec(note.message)?.[1]) || [])
  for (const end of ['target', 'source']) {
    const where = `${end} table "codes"`
    expect(named(where, /^rows that exchange values of "([^"]+)"/).toSorted()).toEqual([
      'codes_code_key',
      'codes_lower',
      'codes_other_excl',
      'codes_some',
    ])
    expect(named(where, /^"uses" refers by "([^"]+)"/)).toEqual(['uses_code_fkey'])
  }
})
