// Rows that were read at different moments: values that only one row may have wander between them,
// parents come after their children, and a row is exchanged for another while pages are read.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import type { RemoteCall } from '../../src/calls.ts'
import { table } from '../../src/plan/plan.ts'
import { createHttpWorld, mixes } from '../helpers/http-world.ts'
import { moveWhile } from '../helpers/kinds-of-changes.ts'
import { ended, flagsAt, rowsAt, runAll, tryWrite } from '../helpers/runs.ts'
import { onlinePlan } from '../helpers/way-back.ts'
import { createWriter } from '../helpers/writes-between.ts'

const timeout = 60_000
const lists = `
  create table lists (id int primary key, tenant_id text not null, place int not null,
    code text not null, unique (tenant_id, place));
  create table items (list_id int not null references lists, n int not null, text text,
    primary key (list_id, n));
  create table marks (list_id int not null, n int not null, mark text not null,
    primary key (list_id, n, mark), foreign key (list_id, n) references items)`
const tables = [
  table('tenants', { tenant: 'id' }),
  table('lists'),
  table('items', { through: 'list_id' }),
  table('marks', { through: ['list_id', 'n'] }),
]
const both = `drop table note_lines, notes, visits; ${lists}`
const seed = `insert into tenants (id, name) values ('acme', 'Acme');
  insert into lists select g, 'acme', g, 'code ' || g from generate_series(1, 30) g;
  insert into items select id, n, 'item' from lists, generate_series(1, 2) n;
  insert into marks select list_id, n, 'mark' from items`
const everything = `select (select json_agg(l order by id) from lists l) as lists,
  (select json_agg(i order by list_id, n) from items i) as items,
  (select json_agg(m order by list_id, n) from marks m) as marks`

/** Every place becomes another list's, far away from where it was. */
const wander = [
  'update lists set place = -place',
  'update lists set place = 1 + (-place * 7) % 31',
  `update items set text = 'wandered' where list_id % 5 = 0`,
]

const moments: readonly (readonly [string, (call: RemoteCall) => boolean])[] = [
  ['the copy', ({ phase, text }) => phase === 'copy' && /rows\/write|copy_progress/.test(text)],
  ['a round', ({ phase, text }) => phase === 'catch_up' && /position|current_snapshot/.test(text)],
  ['the comparison', ({ phase, text }) => phase === 'verify' && /digest|sum\(/.test(text)],
]

test.each(
  mixes.flatMap(([called, over]) => moments.map((moment) => [called, over, ...moment] as const)),
)('with %s over HTTP unique values wander', { timeout }, async (_called, over, _moment, when) => {
  await using world = await createHttpWorld({ over, both, plan: { ...onlinePlan, tables } })
  await world.source.pool.query(seed)
  await using _ = await world.work()
  const { move, said } = await moveWhile(world, wander, when)
  expect(said).toBe('accepted')
  expect([move?.phase, move?.error_message]).toEqual(['moved', null])
  const rows = (await world.source.pool.query(everything)).rows
  expect((await world.target.pool.query(everything)).rows).toEqual(rows)
})

test('values wander while pages of changes are read, page after page', { timeout }, async () => {
  const over = ['source', 'target'] as const
  const writes = [
    ['update lists set code = code', 'update items set text = text'],
    [
      'update lists set place = -place where id in (3, 20)',
      'update lists set place = case id when 3 then 20 else 3 end where id in (3, 20)',
    ],
    [
      'update lists set place = -place where id in (1, 29)',
      'update lists set place = case id when 1 then 29 else 1 end where id in (1, 29)',
    ],
    [
      `delete from marks where list_id = 5`,
      `delete from items where list_id = 5`,
      'delete from lists where id = 5',
      `insert into lists values (50, 'acme', 5, 'code 5')`,
      `insert into items values (50, 1, 'new')`,
      `insert into marks values (50, 1, 'new')`,
    ],
    [`insert into items values (29, 9, 'late')`, `insert into marks values (29, 9, 'late')`],
  ]
  await using world = await createHttpWorld({ over, both, plan: { ...onlinePlan, tables } })
  await world.source.pool.query(seed)
  const write = createWriter(world.source.url)
  await using _ = await world.work()
  const said: string[] = []
  // One after the other, as pages go.
  const hear = (message: unknown) => {
    const { moment, text } = message as RemoteCall
    const statements = writes[said.length]
    if (statements && moment === 'after' && /feed\/changes|rows\/write/.test(text)) {
      said.push(write(statements))
    }
  }
  subscribe('rehome:call', hear)
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  unsubscribe('rehome:call', hear)
  expect(said).toEqual(writes.map(() => 'accepted'))
  expect([move?.phase, move?.error_message]).toEqual(['moved', null])
  const rows = (await world.source.pool.query(everything)).rows
  expect((await world.target.pool.query(everything)).rows).toEqual(rows)
})

test('a target that has a value already says so, and the tenant stays', { timeout }, async () => {
  await using world = await createHttpWorld({
    ...{ over: ['target'], both, plan: { ...onlinePlan, tables, attempts: 1 } },
    target: 'alter table lists add constraint "one code" unique (code)',
  })
  await world.source.pool.query(seed)
  await world.target.pool.query(`insert into tenants (id, name) values ('other', 'Other');
    insert into lists values (1000, 'other', 1, 'code new')`)
  await using _ = await world.work()
  const copied = ({ phase, text }: RemoteCall) => phase === 'copy' && /rows\/write/.test(text)
  const claims = [`update lists set code = 'code new' where id = 3`]
  const { move } = await moveWhile(world, claims, copied)
  expect(move).toMatchObject({ phase: 'failed', error_code: 'ID_COLLISION' })
  expect(move?.error_message).toMatch(/"lists" at the target: 1 rows collide .* \(id\) = \(3\)/)
  const still = `update lists set code = 'free' where id = 3`
  await expect(world.source.pool.query(still)).resolves.toMatchObject({ rowCount: 1 })
})

test.each(mixes)(
  'with %s over HTTP an end without a feed is refused for online moves',
  async (_called, over) => {
    const serve = () => ({ feed: false })
    await using world = await createHttpWorld({ over, serve, plan: onlinePlan })
    const found = (await world.rehome.check(world.plan())).map(
      ({ where, message }) => `${where} ${message}`,
    )
    for (const end of over) {
      expect(found).toContain(
        `${end} is reached over HTTP and offers no feed of changes: move offline`,
      )
    }
    await using offline = await createHttpWorld({ over, serve })
    await offline.addTenant('acme', 4)
    await using _ = await offline.work()
    const run = await runAll(offline, ['acme'])
    expect(await flagsAt(offline, 'target')).toEqual([])
    expect((await ended(offline, run)).get('acme')?.phase).toBe('moved')
    expect(await rowsAt(offline, 'target', 'acme')).toEqual(await rowsAt(offline, 'source', 'acme'))
    expect(await tryWrite(offline, 'target', 'acme')).toBe('accepted')
  },
)
