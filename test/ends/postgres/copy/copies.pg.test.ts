// Several COPYs in one call: rows come and go in the order of the statements, and a call that fails
// changes nothing.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CopyFailed, callCopies, TooMuch } from '../../../../src/ends/postgres/copy/copies.ts'
import { holdOrFail, refusalOf } from '../../../../src/ends/postgres/fence/holds.ts'
import { withClient } from '../../../../src/postgres.ts'
import { createFenced, type Fenced } from '../../../helpers/fence/fenced.ts'
import { claimTarget } from '../../../helpers/fenced.ts'

let db: Fenced
beforeAll(async () => {
  db = await createFenced()
  await db.pool.query('create table a (n int primary key); create table b (t text)')
})
afterAll(async () => {
  await db[Symbol.asyncDispose]()
})

const lines = (...values: readonly unknown[]) => [Buffer.from(`${values.join('\n')}\n`)]
const into = ['copy a from stdin', 'copy b from stdin'] as const
const call = (statements: readonly string[], input: readonly (readonly Buffer[])[]) =>
  withClient(db.pool, (client) => callCopies(client, { statements, input }))
const countOf = async (table: string) =>
  (await db.pool.query(`select count(*)::int as n from ${table}`)).rows[0].n

test('one call writes rows of several tables, and another reads them', async () => {
  await call(['begin', ...into, 'commit'], [lines(1, 2), lines('x')])
  const statements = ['begin', 'copy a to stdout', 'copy b to stdout', 'commit']
  const read = await withClient(db.pool, (client) => callCopies(client, { statements }))
  expect(read.map(String)).toEqual(['1\n2\n', 'x\n'])
})

test('a row that is rejected fails the call, and names its place', async () => {
  const before = [await countOf('a'), await countOf('b')]
  const written = call(['begin', ...into.toReversed(), 'commit'], [lines('y'), lines('no number')])
  const error = await written.catch((failure: unknown) => failure)
  expect(error).toBeInstanceOf(CopyFailed)
  expect(error).toMatchObject({ place: 1, cause: { code: '22P02' } })
  expect([await countOf('a'), await countOf('b')]).toEqual(before)
})

test('more than may be held is an error, and the session is given up', async () => {
  const statements = [`copy (select repeat('x', 100) from generate_series(1, 100)) to stdout`]
  const read = withClient(db.pool, (client) => callCopies(client, { statements, bytesMax: 1_000 }))
  await expect(read).rejects.toBeInstanceOf(TooMuch)
  expect(await countOf('a')).toBeGreaterThan(0)
})

test('no row is written where the target receives none from this attempt', async () => {
  const hold = { scope: 'default', tenant: 'acme', token: randomUUID() }
  const before = await countOf('b')
  const write = () =>
    call(
      ['begin', holdOrFail(hold, { schema: 'public' }), 'copy public.b from stdin', 'commit'],
      [lines('late')],
    )
  const refused = await write().catch((failure: unknown) => failure)
  expect(refused).toBeInstanceOf(CopyFailed)
  const { cause } = refused instanceof CopyFailed ? refused : new Error('it was written')
  expect(refusalOf(cause, hold)).toMatchObject({ code: 'FENCE_LOST' })
  expect(await countOf('b')).toBe(before)
  const claim = { ...hold, epoch: randomUUID(), moveId: randomUUID(), reason: 'test' }
  await claimTarget(db.pool, { ...claim, retryAfterS: 1, ours: [] })
  await write()
  expect(await countOf('b')).toBe(before + 1)
})

const before = `begin; set local application_name = 'a; "b'; select 1`
const one = `copy (select ';', 1) to stdout`
const fails = 'copy (select 1 / (g - 2) from generate_series(1, 3) g) to stdout'

test.each([
  ['before the first', [`${before}; select 1 / 0`, one, one, 'commit'], null],
  ['in the first', [before, fails, one, 'commit'], 0],
  ['in the second, which does not even begin', [before, one, 'copy nothing to stdout'], 1],
  ['in the second', [before, one, fails, 'commit'], 1],
  ['between two', [before, one, 'select 1 / 0', one], null],
  ['after the last', [before, one, one, 'select 1 / 0'], null],
])('a call that fails %s names no other COPY', async (_, statements, place) => {
  const failed = withClient(db.pool, (client) => callCopies(client, { statements }))
  await expect(failed).rejects.toMatchObject({ place })
})
