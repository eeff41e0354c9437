// A schema that changes just before the fence, when everything has been compared and followed. What
// rows got through it is not in the log, or in columns that the survey did not know.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import type { RemoteCall } from '../../src/calls.ts'
import { createHttpWorld } from '../helpers/http-world.ts'
import { createWriter } from '../helpers/moments/writes-between.ts'
import { ended, expectHome, rowsAt } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const plan = { strategy: 'online', attempts: 3, pause: { budgetMs: 20_000 } } as const

type Change = Partial<Record<'source' | 'target', readonly string[]>>

const announces = ({ phase, moment, text }: RemoteCall) =>
  phase === 'fence' && moment === 'before' && /set mode = '…',|fence-captured/.test(text)

/** Moves the tenant; what is to change is committed before its fence is announced. */
async function moveWith(world: World, change: Change) {
  const writers = { source: createWriter(world.source.url), target: createWriter(world.target.url) }
  const said: string[] = []
  const hear = (call: unknown) => {
    if (said.length > 0 || !announces(call as RemoteCall)) return
    for (const end of ['target', 'source'] as const) {
      if (change[end]) said.push(writers[end](change[end]))
    }
  }
  subscribe('rehome:call', hear)
  await using _ = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  unsubscribe('rehome:call', hear)
  expect(said).toEqual(Object.keys(change).map(() => 'accepted'))
  expect([move?.phase, move?.error_message]).toEqual(['moved', null])
  const { events } = await world.rehome.show(runId ?? '', 'acme')
  return events.map(({ message }) => message).filter((text) => text.includes('SCHEMA_CHANGED'))
}

async function expectSame(world: World): Promise<void> {
  expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
  await expectHome(world, 'acme', 'target')
}

const addColumn = 'alter table notes add column extra text'
const pastTheGuards = [
  'alter table notes disable trigger user',
  `insert into notes (tenant_id, body) values ('acme', 'unseen')`,
  `do $$ declare name text; begin
    for name in select tgname from pg_trigger where tgrelid = 'notes'::regclass and not tgisinternal
    loop execute format('alter table notes enable always trigger %I', name); end loop; end $$`,
]

test('a column that both ends get before the fence moves with its values', async () => {
  await using world = await createWorld({ plan })
  await world.addTenant('acme')
  const source = [addColumn, `update notes set extra = 'x' || id where tenant_id = 'acme'`]
  const failures = await moveWith(world, { source, target: [addColumn] })
  expect(failures).toHaveLength(1)
  expect(failures[0]).toContain('table "notes": column "extra" is new')
  await expectSame(world)
  const query = `select count(*)::int as rows from notes where extra = 'x' || id`
  expect((await world.target.pool.query(query)).rows).toEqual([{ rows: 10 }])
})

test('a row that came while the guards were disabled for a moment moves, too', async () => {
  await using world = await createWorld({ plan })
  await world.addTenant('acme')
  expect(await moveWith(world, { source: pastTheGuards })).toHaveLength(1)
  await expectSame(world)
})

test('a row that came past the guards of an end over HTTP moves, too', async () => {
  await using world = await createHttpWorld({ plan, over: ['source'] })
  await world.addTenant('acme')
  expect(await moveWith(world, { source: pastTheGuards })).toHaveLength(1)
  await expectSame(world)
})

test('a change of the target alone is seen, too', async () => {
  await using world = await createWorld({ plan })
  await world.addTenant('acme')
  const target = [`alter table notes alter body set default 'from the target'`]
  expect(await moveWith(world, { target })).toHaveLength(1)
  await expectSame(world)
})

test('statistics and indexes that change meanwhile are no change of the schema', async () => {
  await using world = await createWorld({ plan })
  await world.addTenant('acme')
  const source = ['analyze notes', 'create index on notes (body)']
  expect(await moveWith(world, { source })).toEqual([])
  await expectSame(world)
})
