// Rounds in place remove and change rows of the tenant that have changed, and no others, whatever
// the foreign keys do on a deletion.
import { expect, test } from 'vitest'
import { startInPlace } from '../helpers/follow/in-place.ts'

const tables = ['folders', 'docs', 'comments', 'templates']

const schemaWith = (action: string) => `
  create table folders (id int primary key, tenant_id text not null,
    parent int default 99 references folders (id) on delete ${action});
  create table docs (id int primary key, tenant_id text not null,
    folder int default 99 references folders (id) on delete ${action});
  create table comments (doc int references docs (id) on delete cascade, n int,
    tenant_id text not null, primary key (doc, n));
  create table templates (id int primary key, tenant_id text, name text, unique (name))`

/** A tree of folders for each sequence, whose rows have their numbers behind its own. */
const treeOf = (n: number) => `
  insert into folders select ${n}0 + g, 'acme', nullif(${n}0 + g - 1, ${n}0) from generate_series(1, 4) g;
  insert into docs select ${n}0 + g, 'acme', ${n}0 + g from generate_series(1, 4) g;
  insert into comments select ${n}0 + g, c, 'acme' from generate_series(1, 4) g, generate_series(1, 3) c;`

const seed = `insert into folders values (98, 'acme', null), (99, 'acme', null);
  ${[1, 2, 3].map(treeOf).join('')}
  insert into templates select g, 'acme', 't' || g from generate_series(1, 3) g`

const start = (action: string, there = '') =>
  startInPlace({ schema: schemaWith(action), tables, seed, ...(there && { there }) })

const sequences = [
  // A row that stays leaves one level before all levels go.
  `update docs set folder = 98 where id = 14; update docs set folder = 98 where id = 12;
    delete from comments where doc = 13; delete from docs where id in (11, 13);
    delete from folders where id = 14; delete from folders where id = 13;
    delete from folders where id = 12; delete from folders where id = 11`,
  // A level stays, and goes below another one.
  `update folders set parent = 98 where id = 23; update docs set folder = 23 where folder = 22;
    delete from docs where folder = 21; delete from folders where id = 22;
    delete from folders where id = 21`,
  // Rows go below a row that is new.
  `insert into folders values (50, 'acme', 98); update docs set folder = 50 where id = 34;
    update folders set parent = 50 where id = 32; delete from folders where id = 34;
    delete from docs where id = 31; delete from folders where id = 31`,
]

const actions = ['cascade', 'restrict', 'set null']

test.each(actions)('`on delete %s` takes no row that stays at the source', async (action) => {
  await using scene = await start(action)
  for (const statements of sequences) {
    await scene.write(statements)
    await scene.follower.round('changes')
    expect(await scene.rows('target')).toEqual(await scene.rows('source'))
  }
  await scene.follower.settle()
})

test('a cascade at the source takes no row that had left before', async () => {
  await using scene = await start('cascade')
  await scene.write('update docs set folder = 98 where id = 14; delete from folders where id = 11')
  await scene.follower.round('changes')
  expect(await scene.rows('target')).toEqual(await scene.rows('source'))
  expect(await scene.rows('target')).toContain('comments (14,3,acme)')
})

test.each([
  ['without a tenant', 'null'],
  ['of another tenant', `'beta'`],
])('a row %s with the key of one that comes is left as it is', async (_, tenant) => {
  await using scene = await start(
    'cascade',
    `insert into templates values (1000, ${tenant}, 'theirs')`,
  )
  const before = await scene.rows('target')
  await scene.write(`insert into templates values (1000, 'acme', 'ours')`)
  await expect(scene.follower.round('changes')).rejects.toMatchObject({ code: 'ID_COLLISION' })
  expect(await scene.rows('target')).toEqual(before)
})

test('a row of another tenant that refers to a removed row is kept', async () => {
  await using scene = await start('cascade')
  await scene.world.target.pool.query(`insert into docs values (77, 'beta', 14)`)
  const before = await scene.rows('target')
  await scene.write(`delete from folders where id = 14`)
  await expect(scene.follower.round('changes')).rejects.toMatchObject({
    code: 'FOREIGN_KEY_BROKEN',
  })
  expect(await scene.rows('target')).toEqual(before)
})

test.each(['cascade', 'set null'])('`on update %s` changes no row that stays', async (action) => {
  await using scene = await startInPlace({
    schema: `create table codes (id int primary key, tenant_id text not null, code text unique);
      create table uses (id int primary key, tenant_id text not null, code text
        references codes (code) on update ${action} deferrable initially deferred)`,
    tables: ['codes', 'uses'],
    seed: `insert into codes values (1, 'acme', 'a'), (3, 'acme', 'c');
      insert into uses values (1, 'acme', 'a'), (3, 'acme', 'c')`,
  })
  await scene.write(
    `update codes set code = 'd' where id = 3; update codes set code = 'c' where id = 3`,
  )
  await scene.write(
    `update uses set code = 'c' where id = 3; update codes set code = 'e' where id = 3`,
  )
  await scene.follower.round('changes')
  expect(await scene.rows('target')).toEqual(await scene.rows('source'))
  const before = await scene.rows('target')
  // No log names the row that refers to "a", before and afterwards.
  await scene.write(`begin; delete from codes where id = 1;
    insert into codes values (1, 'acme', 'b'), (2, 'acme', 'a'); commit`)
  await expect(scene.follower.round('changes')).rejects.toMatchObject({
    code: 'FOREIGN_KEY_BROKEN',
    message: expect.stringMatching(/^"uses": 1 rows .* by "uses_code_fkey", .* "codes"/),
  })
  expect(await scene.rows('target')).toEqual(before)
})
