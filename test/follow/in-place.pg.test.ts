// Rounds at an end where our role may not switch foreign keys off: changed rows come in place.
import { expect, test } from 'vitest'
import { capture } from '../../src/stages/capture.ts'
import { copyWhileWritten } from '../../src/stages/copy.ts'
import { startInPlace } from '../helpers/follow/in-place.ts'

const schema = `
  create table people (id int primary key, tenant_id text not null, email text not null, nick text,
    boss int references people (id), unique (tenant_id, email), unique (nick) deferrable);
  create table posts (id int primary key, tenant_id text not null, person int not null
    references people (id) on delete cascade);
  create table likes (post int references posts (id) on delete cascade, n int, primary key (post, n),
    tenant_id text not null)`

const seed = `
  insert into people select g, 'acme', 'p' || g, 'n' || g, nullif(g - 1, 0) from generate_series(1, 6) g;
  insert into posts select g, 'acme', g from generate_series(1, 6) g;
  insert into likes select g, n, 'acme' from generate_series(1, 6) g, generate_series(1, 3) n`

const startPlain = () => startInPlace({ schema, seed, tables: ['people', 'posts', 'likes'] })

const changes: Readonly<Record<string, string>> = {
  'a row is deleted, and another takes its unique value': `delete from people where id = 6;
    insert into people values (7, 'acme', 'p6', 'n6', 2)`,
  'a chain of unique values moves on': `update people set email = 'free' where id = 3;
    update people set email = 'p3' where id = 2; update people set email = 'p2' where id = 1`,
  'children are given to another parent before theirs is deleted': `
    insert into people values (8, 'acme', 'p8', 'n8', 1);
    update posts set person = 8 where person = 4; update people set boss = 8 where boss = 4;
    delete from people where id = 4`,
  'a deferrable unique value is exchanged': `begin; set constraints all deferred;
    update people set nick = 'n' || 3 - id where id in (1, 2); commit`,
  'a parent goes with all that is below it': `update people set boss = null where boss = 5;
    delete from people where id = 5`,
  'a row comes back under its old key': `delete from posts where id = 1;
    insert into posts values (1, 'acme', 2); insert into likes values (1, 9, 'acme')`,
  'rows refer to later ones of their own table': `update people set boss = 6 where id = 1;
    insert into people values (11, 'acme', 'p11', 'n11', null), (10, 'acme', 'p10', 'n10', 11)`,
}

test.each(Object.entries(changes))('%s', async (_, statements) => {
  await using scene = await startPlain()
  await scene.write(statements)
  const round = await scene.follower.round('changes')
  expect(round.changes).toBeGreaterThan(0)
  expect(await scene.rows('target')).toEqual(await scene.rows('source'))
  await scene.follower.settle()
})

test('rows that have exchanged a unique value fail the round, and nothing of it stays', async () => {
  await using scene = await startPlain()
  const before = await scene.rows('target')
  await scene.write(`update people set email = 'free' where id = 1`)
  await scene.write(`update people set email = 'p1' where id = 2`)
  await scene.write(`update people set email = 'p2' where id = 1; delete from likes where post = 3`)
  await expect(scene.follower.round('changes')).rejects.toMatchObject({
    code: 'ID_COLLISION',
    retryable: true,
    message: expect.stringMatching(/^"people": 2 changed rows collide/),
  })
  expect(await scene.rows('target')).toEqual(before)
  // A further attempt copies anew, where rows need not come one by one.
  const { rows } = await scene.world.target.pool.query('select from rehome.checkpoints')
  expect(rows).toEqual([])
  Object.assign(scene.follower.shard, { targetEmptied: false })
  await scene.follower.run(capture)
  await scene.follower.run(copyWhileWritten)
  await scene.follower.settle()
  expect(await scene.rows('target')).toEqual(await scene.rows('source'))
})
