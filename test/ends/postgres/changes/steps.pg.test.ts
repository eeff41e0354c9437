// One step of catching up, at the end that receives: what goes and comes with it, and what stays.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { SqlEnd } from '../../../../src/ends/end.ts'
import type { Application, Feed } from '../../../../src/ends/feed.ts'
import type { Hold } from '../../../../src/ends/flags.ts'
import { feedAt } from '../../../../src/ends/postgres/changes/feed-at.ts'
import { closeSqlEnd, openSqlEnd } from '../../../../src/ends/postgres/postgres-end.ts'
import { rowsAt } from '../../../../src/ends/postgres/postgres-rows.ts'
import { postgres } from '../../../../src/plan/endpoint.ts'
import type { TenantPath } from '../../../../src/plan/routing/path.ts'
import { createWorld, type World } from '../../../helpers/world.ts'

const column: TenantPath = { kind: 'column', column: 'tenant_id' }
const through: TenantPath = {
  kind: 'through',
  columns: ['note_id'],
  parent: 'notes',
  parentColumns: ['id'],
  deferrable: false,
  path: column,
}

interface Receiving extends AsyncDisposable {
  readonly world: World
  readonly feed: Feed
  readonly hold: Hold
  readonly epoch: string
  apply(change: Partial<Application>): ReturnType<Feed['apply']>
  texts(query: string): Promise<string[]>
}

/** The target is closed for acme, and has its notes 1 to 3 with a line each. */
async function receiving(more = ''): Promise<Receiving> {
  const target = `alter table notes add unique (tenant_id, body);${more}`
  const world = await createWorld({ target })
  const { pool } = world.target
  await pool.query(`insert into tenants (id, name) values ('acme', 'Acme'), ('other', 'Other');
    insert into notes (id, tenant_id, body, amount) select g, 'acme', 'body ' || g, g
      from generate_series(1, 3) g;
    insert into note_lines select id, 1, 'line' from notes;
    insert into notes (id, tenant_id, body) values (9, 'other', 'theirs');
    insert into note_lines values (9, 1, 'theirs')`)
  const { environment } = world
  const end: SqlEnd = openSqlEnd('target', postgres({ urlFrom: 'TARGET_URL' }), { environment })
  const { tables } = await rowsAt(end).describe([])
  const table = (name: string) => tables.get(name) as never
  const feed = feedAt({
    ...{ end, scope: 'default', catalog: { tables } },
    tables: [
      { table: table('notes'), path: column, key: ['id'] },
      { table: table('note_lines'), path: through, key: ['note_id', 'line'] },
    ],
  })
  const hold = { scope: 'default', tenant: 'acme', token: randomUUID() }
  const [epoch, moveId] = [randomUUID(), randomUUID()]
  await end.flags.takeTurn({ ...hold, turn: '1' })
  const said = { reason: 'a test', retryAfterS: 1, ours: [] }
  await end.flags.claimTarget({ ...hold, epoch, moveId, ...said })
  const checkpoint = { position: null, fingerprint: 'f', lacking: false, step: 1 }
  await feed.writeCheckpoint({ ...hold, epoch }, checkpoint)
  const empty = { remove: [], rows: [], columns: [], keep: [], undone: false }
  const nobody = { parents: { columns: ['id'], values: [] } }
  return {
    ...{ world, feed, hold, epoch },
    apply: (change) => {
      const of = { ...hold, epoch, step: 2, table: 'notes', key: ['id'] }
      return feed.apply({ ...of, ...empty, ...nobody, ...change })
    },
    async texts(query) {
      return (await pool.query(query)).rows.map(({ row }: { row: string }) => row)
    },
    async [Symbol.asyncDispose]() {
      await closeSqlEnd(end)
      await world[Symbol.asyncDispose]()
    },
  }
}

const columns = ['id', 'tenant_id', 'body']
const notes = `select id || ' ' || body as row from notes where tenant_id = 'acme' order by id`
const lines = 'select note_id::text as row from note_lines order by 1'

test('rows that depend on a row that collides go with it, and no others', async () => {
  await using at = await receiving()
  const rows = [
    ['1', 'acme', 'body 3'],
    ['2', 'acme', 'another'],
  ]
  const applied = await at.apply({ remove: [['1'], ['2']], columns, rows })
  expect(applied).toEqual({ removed: 3, brought: 1, collided: [0], orphaned: [] })
  expect(await at.texts(notes)).toEqual(['2 another', '3 body 3'])
  expect(await at.texts(lines)).toEqual(['2', '3', '9'])
  const { rows: checkpoints } = await at.world.target.pool.query(
    'select lacking, step from rehome.checkpoints',
  )
  expect(checkpoints).toEqual([{ lacking: true, step: '2' }])
})

test('a step is applied once, and none with a lower number after it', async () => {
  await using at = await receiving()
  const rows = [['7', 'acme', 'new']]
  const first = await at.apply({ columns, rows })
  expect(await at.apply({ columns, rows })).toEqual(first)
  await at.apply({ step: 3, remove: [['7']] })
  await expect(at.apply({ columns, rows })).rejects.toThrow('step 2 does not follow 3')
  await expect(at.apply({ step: 5 })).rejects.toThrow('step 5 does not follow 3')
  expect(await at.texts(notes)).toHaveLength(3)
})

test('a row is not placed without its parent, and goes with its old one', async () => {
  await using at = await receiving()
  const of = { table: 'note_lines', key: ['note_id', 'line'], columns: ['note_id', 'line', 'text'] }
  const rows = [
    ['3', '2', 'late'],
    ['9', '2', 'of the other'],
    ['77', '1', 'of nobody'],
  ]
  const parents = { columns: [], values: [] }
  const applied = await at.apply({ ...of, rows, parents })
  expect(applied).toEqual({ removed: 0, brought: 1, collided: [], orphaned: [1, 2] })
  const gone = { columns: ['id'], values: [['1'], ['9']] }
  expect(await at.apply({ step: 3, parents: gone })).toMatchObject({ removed: 1 })
  expect(await at.texts(lines)).toEqual(['2', '3', '3', '9'])
})

test('what only this end knows of a row stays with it, also where it comes later', async () => {
  await using at = await receiving()
  const keep = ['amount']
  const amounts = `select id || ' ' || amount as row from notes where tenant_id = 'acme' order by id`
  const rows = [
    ['1', 'acme', 'body 3'],
    ['2', 'acme', 'another'],
  ]
  const first = await at.apply({ remove: [['1'], ['2']], columns, rows, keep })
  expect(first.collided).toEqual([0])
  expect(await at.texts(amounts)).toEqual(['2 2.0000', '3 3.0000'])
  await at.apply({ step: 3, remove: [['1']], columns, rows: [['1', 'acme', 'free']], keep })
  expect(await at.texts(amounts)).toEqual(['1 1.0000', '2 2.0000', '3 3.0000'])
})

test('another attempt knows that the one before it has left rows out', async () => {
  await using at = await receiving()
  const { feed, hold, epoch } = at
  await at.apply({ columns })
  expect(await feed.readCheckpoint({ ...hold, epoch })).toMatchObject({ step: 2, lacking: false })
  const next = randomUUID()
  const checkpoint = { position: null, fingerprint: 'f', lacking: false, step: 1 }
  await feed.writeCheckpoint({ ...hold, epoch: next }, checkpoint)
  expect(await feed.readCheckpoint({ ...hold, epoch: next })).toMatchObject({
    step: 1,
    lacking: true,
  })
})

test('what an attempt has kept waits for its row in the next one, whatever the steps are', async () => {
  await using at = await receiving()
  const { feed, hold } = at
  const keep = ['amount']
  const left = { remove: [['1']], columns, rows: [['1', 'acme', 'body 3']], keep }
  expect((await at.apply(left)).collided).toEqual([0])
  const epoch = randomUUID()
  const checkpoint = { position: null, fingerprint: 'f', lacking: false, step: 1 }
  await feed.writeCheckpoint({ ...hold, epoch }, checkpoint)
  // The second step of this attempt brings other rows than the second one before.
  await at.apply({ epoch, remove: [['2']], columns, rows: [['2', 'acme', 'another']], keep })
  await at.apply({ epoch, step: 3, columns, rows: [['1', 'acme', 'free']], keep })
  const amount = 'select amount::text as row from notes where id = 1'
  expect(await at.texts(amount)).toEqual(['1.0000'])
})

test('a row keeps more columns than a call takes arguments', async () => {
  const keep = Array.from({ length: 120 }, (_, i) => `own_${i}`)
  const added = keep.map((name) => `add column ${name} float default random()`)
  await using at = await receiving(`alter table notes ${added.join(', ')}`)
  const row = `select concat_ws(' ', own_0, own_1, own_118, own_119) as row from notes where id = 1`
  const before = await at.texts(row)
  await at.apply({ remove: [['1']], columns, rows: [['1', 'acme', 'anew']], keep })
  expect(await at.texts(row)).toEqual(before)
})

test('what is kept for rows that were left out goes with the checkpoint', async () => {
  await using at = await receiving()
  const rows = [['1', 'acme', 'body 3']]
  await at.apply({ remove: [['1']], columns, rows, keep: ['amount'] })
  const kept = `select kept ->> 'amount' as row from rehome.changed_keys where kind = 'kept'`
  expect(await at.texts(kept)).toEqual(['1.0000'])
  await at.feed.forgetCheckpoint({ ...at.hold, epoch: at.epoch })
  expect(await at.texts(kept)).toEqual([])
})
