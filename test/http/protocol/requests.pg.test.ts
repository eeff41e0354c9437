// What requests may say: nothing of them becomes a part of a statement but names and known types.
import { expect, test } from 'vitest'
import { cast } from '../../../src/ends/http/protocol/row-operations.ts'
import { createHttpEnd } from '../../../src/http-end/entry.ts'
import { secret, smallTables } from '../../helpers/http-end.ts'
import { createWorld, type World } from '../../helpers/world.ts'

const ours = [
  ...['text', 'int8', '_int8', 'bpchar(3)', 'numeric(10,2)', 'character varying(10)'],
  ...['timestamp(3) with time zone', 'time without time zone', 'interval day to second(3)'],
  ...['timestamp(0) without time zone[]', 'bit varying(8)', 'double precision', 'interval(2)'],
  ...['"char"', 'app.mood', 'app."In a ""hurry"""', 'geometry(Point,4326)'],
]
const others = [
  ...['text from notes r union select body', 'text from notes', 'text, body', 'int --', 'a b'],
  ...[
    'interval from',
    'text) from (select',
    'text with time zone',
    '',
    '"a" b',
    '"a',
    'a.b.c',
    'a(b(c))',
  ],
]

test.each(ours)('a value may be cast to %s', (type) => {
  expect(cast.safeParse(type).success).toBe(true)
})

test.each(others)('%j is no type that a value may be cast to', (type) => {
  expect(cast.safeParse(type).success).toBe(false)
})

async function post(world: World, path: string, body: string): Promise<Response> {
  const end = createHttpEnd({
    pool: world.source.pool,
    tables: smallTables,
    auth: { bearer: secret },
  })
  const headers = { authorization: `Bearer ${secret}` }
  return await end.handle(new Request(`http://end/v1/${path}`, { method: 'POST', headers, body }))
}

test("a cast reads nothing beside the tenant's rows", async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  await world.addTenant('other')
  const response = await post(
    world,
    'rows/read',
    JSON.stringify({
      scope: 'default',
      tenant: 'acme',
      table: 'notes',
      columns: [
        { column: 'id', cast: null },
        { column: 'id', cast: 'text from notes r union all select id' },
      ],
      cursor: null,
      limit: 100,
    }),
  )
  expect(response.status).toBe(400)
})

test('a batch with a line that is no row is refused, and not to be sent again', async () => {
  await using world = await createWorld()
  const uuid = '6f1c7b0e-5d3a-4a43-9f5e-0a4f4c1f9d55'
  const progress = { rowsRead: 0, rowsWritten: 0, done: false, cursor: null }
  const head = {
    ...{ scope: 'default', tenant: 'acme', token: uuid, epoch: uuid, table: 'visits' },
    ...{ columns: ['tenant_id', 'day', 'hits'], replicate: false, from: progress },
    progress: { ...progress, rowsRead: 1, rowsWritten: 1 },
  }
  const response = await post(world, 'rows/write', `${JSON.stringify(head)}\n["acme"]\n`)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ code: 'PROTOCOL_BROKEN', retryable: false })
})
