// The fence of the whole application refuses every row of the planned tables: those that are of no
// tenant, too.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endReadOnly, startReadOnly } from '../../src/ends/postgres/fence/read-only.ts'
import { postgres } from '../../src/plan/endpoint.ts'
import { definePlan, table } from '../../src/plan/plan.ts'
import { anyOf } from '../../src/plan/through.ts'
import { createFenced, type Fenced } from '../helpers/fence/fenced.ts'
import { installFence } from '../helpers/fence/install.ts'
import { createMover } from '../helpers/fence/mover.ts'
import { codeOf, levels, openWriter } from '../helpers/fence/writer.ts'

const plan = definePlan({
  name: 'whole',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: ['acme'],
  strategy: 'online',
  tables: [
    table('events', { nobody: 'stay' }),
    table('marks', { nobody: 'stay' }),
    table('details', { through: 'event_id', nobody: 'stay' }),
    table('files', {
      through: anyOf({ event: 'events.id' }, { detail: 'details.id' }),
      nobody: 'stay',
    }),
  ],
})

const schema = `
  create table events (id int primary key, tenant_id text);
  create table marks (id int, tenant_id text) partition by range (id);
  create table marks_1 partition of marks for values from (0) to (100);
  create table details (id int primary key, event_id int references events);
  create table files (id int primary key, event int, detail int);
  create index on files (event);
  create index on files (detail);
  insert into events values (1, null), (2, 'acme');
  insert into marks values (1, null);
  insert into details values (1, null), (2, 1);
  insert into files values (1, null, null), (2, 1, null), (3, null, 77);`

let db: Fenced
beforeAll(async () => {
  db = await createFenced()
  await db.pool.query(schema)
  await installFence(db.url, { plan, guardsOnly: true })
  await db.pool.query('create table marks_2 partition of marks for values from (100) to (200)')
})
afterAll(() => db[Symbol.asyncDispose]())

const readOnly = { scope: 'default', reason: 'upgrade', retryAfterS: 60 }

describe('rows of no tenant while the whole application is read-only', () => {
  beforeAll(() => startReadOnly(db.moverPool(), { ...readOnly, forMs: 60_000 }))
  afterAll(() => endReadOnly(db.moverPool(), 'default'))

  test.each([
    ['a new row', 'insert into events values (10, null)'],
    ['a change', 'update marks set id = 11 where id = 1'],
    ['a removal', 'delete from marks'],
    ['a row by COPY', `copy events (id) from program 'echo 12'`],
    ['a row of a partition', 'insert into marks_1 values (13, null)'],
    ['a row of a partition that has no guards yet', 'insert into marks_2 values (113, null)'],
    ['a row without a parent', 'insert into details values (10, null)'],
    ['a row of a parent without a tenant', 'update details set id = 11 where id = 2'],
    ['a row of several ways', 'insert into files values (10, null, null)'],
    ['a row whose parent is not there', 'delete from files where id = 3'],
  ])('%s is refused', async (_, statement) => {
    expect(await codeOf(db.pool.query(statement))).toBe('25006')
  })

  test.each([
    'update events set id = 1 where false',
    'delete from details where id = 77',
    'insert into files select from generate_series(1, 0)',
  ])('a statement that touches no row is accepted: %s', async (statement) => {
    expect(await codeOf(db.pool.query(statement))).toBe('accepted')
  })
})

test.each(levels)('a %s writer of such a row is waited for, or comes too late', async (level) => {
  await using first = await openWriter(db, level)
  expect(await first.write('insert into events values (20, null)')).toBe('accepted')
  await using late = await openWriter(db, level)
  await late.write('select 1')
  await startReadOnly(db.moverPool(), { ...readOnly, forMs: 60_000 })
  const drain = await createMover(db, '*').drainThatWaits()
  expect(drain.isDone()).toBe(false)
  expect(await first.rollback()).toBe('accepted')
  await drain.done
  const tooLate = level === 'read committed' ? '25006' : '40001'
  expect(await late.write('insert into details values (20, null)')).toBe(tooLate)
  await endReadOnly(db.moverPool(), 'default')
})

test('a drain of one tenant waits for no writer of such rows', async () => {
  await using writer = await openWriter(db, 'read committed')
  expect(await writer.write('insert into events values (30, null)')).toBe('accepted')
  const mover = createMover(db, 'acme')
  await mover.raise()
  await mover.drain(5_000)
  await mover.lower()
  expect(await writer.rollback()).toBe('accepted')
})
