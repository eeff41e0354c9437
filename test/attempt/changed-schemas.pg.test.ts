// A schema that changes in the midst of a copy: the attempt says what has changed, and where, and
// is tried again, whichever error the statement met.
import { createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nameSchemaChange } from '../../src/checks/schema-changes.ts'
import { sharedEnd } from '../../src/ends/end.ts'
import { openEnd } from '../../src/ends/open/open-end.ts'
import { RehomeError } from '../../src/errors.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import { poison } from '../dashboard/board-world.ts'
import { hearing, openAttempts } from '../helpers/attempts.ts'
import { catalogOf } from '../helpers/catalog.ts'
import { createWriter } from '../helpers/moments/writes-between.ts'
import { noPoison } from '../helpers/moves/no-poison.ts'
import { tryWrite } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ plan: { attempts: 9, backoffMs: 1 } })
  await world.addTenant('acme')
  await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
})
afterAll(() => world[Symbol.asyncDispose]())

type End = 'source' | 'target'

test.each<[end: End, change: string, told: string, undo: string]>([
  [
    'source',
    'alter table notes drop column doc',
    'source table "notes": column "doc" is gone',
    'alter table notes add column doc jsonb',
  ],
  [
    'target',
    'alter table notes drop column raw',
    'target table "notes": column "raw" is gone',
    'alter table notes add column raw bytea',
  ],
  [
    'target',
    'alter table note_lines rename to lines',
    'target table "note_lines" is gone',
    'alter table lines rename to note_lines',
  ],
  [
    'source',
    'alter table notes rename column body to words_of_it',
    'source table "notes": column "body" is gone',
    'alter table notes rename column words_of_it to body',
  ],
  [
    'target',
    'alter table notes add column owner text not null',
    'target table "notes": column "owner" is new',
    'alter table notes drop column owner',
  ],
  [
    'target',
    'alter table notes alter amount type numeric(3, 2)',
    'column "amount" differs, numeric(20,4) became numeric(3,2)',
    'alter table notes alter amount type numeric(20, 4)',
  ],
  [
    'target',
    `alter table notes add constraint late check (body = 'late') not valid`,
    'target table "notes": its keys, partitions or privileges differ',
    'alter table notes drop constraint late',
  ],
])('at the %s: %s', async (end, change, told, undo) => {
  await using attempts = openAttempts(world)
  const write = createWriter(world[end].url)
  const changed: string[] = []
  {
    using _ = hearing('acme', ({ phase, moment }) => {
      if (phase === 'copy' && moment === 'before' && changed.length === 0) {
        changed.push(write([change]))
      }
    })
    const outcome = await attempts.try('acme')
    expect(changed).toEqual(['accepted'])
    expect(outcome).toMatchObject({ kind: 'failed', again: true })
  }
  const move = await attempts.moveOf('acme')
  expect([move.error_code, move.error_message]).toEqual([
    'SCHEMA_CHANGED',
    expect.stringContaining(told),
  ])
  await world[end].pool.query(undo)
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
})

test('a refused row is the reason, although a table comes that is not of the plan', async () => {
  await using other = await createWorld({ target: noPoison, plan: { attempts: 9, backoffMs: 1 } })
  await other.addTenant('acme')
  await poison(other, 'acme')
  await other.rehome.enqueue(other.plan(), { tenants: ['acme'] })
  await using attempts = openAttempts(other)
  const write = createWriter(other.target.url)
  const created: string[] = []
  using _ = hearing('acme', ({ phase, moment }) => {
    if (phase === 'copy' && moment === 'before' && created.length === 0) {
      created.push(write(['create table imported (id int primary key)']))
    }
  })
  expect(await attempts.try('acme')).toMatchObject({ kind: 'failed', again: false })
  expect(created).toEqual(['accepted'])
  expect(await attempts.moveOf('acme')).toMatchObject({ error_code: 'ROW_REJECTED' })
})

test('a look for what has changed ends with the attempt, whichever end hangs', async () => {
  const sockets: Socket[] = []
  const server = createServer((socket) => void sockets.push(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const hangs = `postgres://nobody@127.0.0.1:${port}/hangs`
  const environment = { SOURCE_URL: world.source.url, TARGET_URL: hangs }
  const ends = {
    source: sharedEnd(openEnd('source', postgres({ urlFrom: 'SOURCE_URL' }), { environment })),
    target: sharedEnd(openEnd('target', postgres({ urlFrom: 'TARGET_URL' }), { environment })),
  }
  const catalog = catalogOf({})
  const survey = { source: catalog, target: catalog } as never
  const error = new RehomeError('SCHEMA_CHANGED', 'the schema has changed')
  const abort = new AbortController()
  const begun = performance.now()
  setTimeout(() => abort.abort(), 100)
  await nameSchemaChange(error, { survey, ends, signal: abort.signal })
  expect(performance.now() - begun).toBeLessThan(1_500)
  const told = await nameSchemaChange(error, { survey, ends, signal: abort.signal })
  expect(told).toBe(error)
  for (const socket of sockets) socket.destroy()
  server.close()
  await Promise.all([ends.source.close(), ends.target.close()])
})
