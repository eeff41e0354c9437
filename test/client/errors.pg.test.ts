// What rehome/client makes of errors, with every library against a really fenced table.
import { describe, expect, test } from 'vitest'
import { fenceOf, isSerializationFailure, isTenantFenced } from '../../src/client/index.ts'
import { TenantReadOnlyError } from '../../src/client/tenant-read-only-error.ts'
import { fence } from '../helpers/client/fence.ts'
import { type Library, libraries, type Opened } from '../helpers/client/libraries.ts'
import { openPrisma } from '../helpers/client/prisma.ts'
import { createFenced, type Fenced } from '../helpers/fence/fenced.ts'
import { createMover } from '../helpers/fence/mover.ts'
import { noteOf, type Tenant } from '../helpers/fence/schema.ts'

const visit = (tenant: Tenant) => `insert into visits values ('${tenant}', '2025-01-01', 1)`
const readOnly = 'set transaction read only'

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => expect.fail('it went through'),
    (error: unknown) => error,
  )
}

/** `acme` is fenced, and the library is open. */
async function fenced(library: Library): Promise<{ db: Fenced; lib: Opened } & AsyncDisposable> {
  const db = await createFenced()
  await createMover(db, 'acme').raise()
  const lib = await library(db.url)
  return {
    db,
    lib,
    async [Symbol.asyncDispose]() {
      await lib.close()
      await db[Symbol.asyncDispose]()
    },
  }
}

describe.each(Object.entries(libraries))('an error of %s', (_, library) => {
  test('tells the fence that has refused a statement', async () => {
    await using world = await fenced(library)
    const error = await errorOf(world.lib.run(visit('acme')))
    expect(fenceOf(error)).toEqual(fence)
    expect([isTenantFenced(error), isSerializationFailure(error)]).toEqual([true, false])
    await world.lib.run(visit('beta'))
  })

  test('tells it in a transaction, and where the commit is what was refused', async () => {
    await using world = await fenced(library)
    const within = await errorOf(world.lib.transact(['select 1', visit('acme')]))
    expect(fenceOf(within)).toEqual(fence)
    const atCommit = `insert into outbox values ('acme', '2025-01-01')`
    expect(fenceOf(await errorOf(world.lib.transact([atCommit])))).toEqual(fence)
  })

  test('is not ours where the transaction itself is read-only', async () => {
    await using world = await fenced(library)
    const error = await errorOf(world.lib.transact([readOnly, visit('acme')]))
    expect([fenceOf(error), isTenantFenced(error)]).toEqual([null, false])
    expect(isSerializationFailure(error)).toBe(false)
  })

  test('says that a transaction has met another one', async () => {
    await using world = await fenced(library)
    const rival = () => world.db.pool.query(`update notes set body = 'rival' where id = ${beta}`)
    const mine = `update notes set body = 'mine' where id = ${beta}`
    const error = await errorOf(world.lib.transact(['select from notes', rival, mine]))
    expect([isSerializationFailure(error), fenceOf(error)]).toEqual([true, null])
  })

  test('refuses a snapshot that is older than the fence with a serialization failure first', async () => {
    await using db = await createFenced()
    const lib = await library(db.url)
    try {
      const mover = createMover(db, 'acme')
      const raise = async () => {
        await mover.raise()
        await mover.drain()
      }
      const error = await errorOf(lib.transact(['select from notes', raise, visit('acme')]))
      expect([isSerializationFailure(error), fenceOf(error)]).toEqual([true, null])
      expect(fenceOf(await errorOf(lib.transact([visit('acme')])))).toEqual(fence)
    } finally {
      await lib.close()
    }
  })
})

const beta = noteOf('beta')

describe("an error of Prisma's models", () => {
  const data = { id: 1000n, tenantId: 'acme' }

  test('tells the fence, alone and in both kinds of transaction', async () => {
    await using db = await createFenced()
    await createMover(db, 'acme').raise()
    const prisma = openPrisma(db.url)
    const errors = [
      await errorOf(prisma.note.create({ data })),
      await errorOf(prisma.$transaction([prisma.note.findMany(), prisma.note.create({ data })])),
      await errorOf(prisma.$transaction(async (tx) => void (await tx.note.create({ data })))),
    ]
    expect(errors.map(fenceOf)).toEqual([fence, fence, fence])
    await prisma.note.create({ data: { ...data, tenantId: 'beta' } })
    await prisma.close()
  })

  test('is not ours in a read-only transaction, and says when to begin anew', async () => {
    await using db = await createFenced()
    const prisma = openPrisma(db.url)
    const native = prisma.$transaction(async (tx) => {
      await tx.$executeRawUnsafe(readOnly)
      await tx.note.create({ data })
    })
    expect(fenceOf(await errorOf(native))).toBe(null)
    const update = { where: { id: BigInt(beta) }, data: { body: 'mine' } }
    const late = prisma.$transaction(
      async (tx) => {
        await tx.note.findMany()
        await db.pool.query(`update notes set body = 'rival' where id = ${beta}`)
        await tx.note.update(update)
      },
      { isolationLevel: 'RepeatableRead' },
    )
    expect(isSerializationFailure(await errorOf(late))).toBe(true)
    await prisma.close()
  })
})

test('a refusal of a moved tenant has its new home and the key to it', async () => {
  await using db = await createFenced()
  const mover = createMover(db, 'acme')
  await mover.raise()
  await mover.drain()
  expect(await mover.cutOver()).toBe(true)
  const error = await errorOf(db.pool.query(visit('acme')))
  const moved = { ...fence, mode: 'moved', reason: 'moved', movedTo: 'there', key: mover.epoch }
  expect(fenceOf(error)).toEqual(moved)
})

test('a TRUNCATE that is refused is not about one tenant', async () => {
  await using db = await createFenced()
  await createMover(db, 'acme').raise()
  expect(fenceOf(await errorOf(db.pool.query('truncate note_lines')))).toBe(null)
})

describe('an error that was put together', () => {
  const detail = JSON.stringify(fence)
  const ours = (fields: object = {}) =>
    Object.assign(new Error('refused'), { code: '25006', hint: 'rehome:fenced', detail, ...fields })

  test('is found among causes, joined errors, and causes that go in a circle', () => {
    const wrapped = new Error('a', { cause: new Error('b', { cause: ours() }) })
    expect(fenceOf(wrapped)).toEqual(fence)
    expect(fenceOf(new AggregateError([new Error('a'), wrapped]))).toEqual(fence)
    const circle = new Error('a')
    circle.cause = new AggregateError([circle, new Error('b', { cause: circle }), ours()])
    expect(fenceOf(circle)).toEqual(fence)
    circle.cause = circle
    expect([fenceOf(circle), isSerializationFailure(circle)]).toEqual([null, false])
  })

  test('is looked through for so long and no longer', () => {
    let deep: unknown = ours()
    for (let i = 0; i < 1000; i += 1) deep = new Error('wrapped', { cause: deep })
    expect(fenceOf(deep)).toBe(null)
    const wide = new AggregateError(Array.from({ length: 100_000 }, () => new Error('one of many')))
    expect(fenceOf(wide)).toBe(null)
  })

  test.each<[what: string, error: unknown]>([
    ['went over the wire as JSON', JSON.parse(JSON.stringify(ours()))],
    ['is the cause of another, as JSON', new Error('remote', { cause: { ...ours() } })],
    ['says it in its message alone', new Error(`25006 rehome:fenced ${detail}`)],
    ['has another SQLSTATE', ours({ code: '40001' })],
    ['has another hint', ours({ hint: 'rehome:stranger' })],
    ['has lost its detail', ours({ detail: undefined })],
    ['has half of its detail', ours({ detail: detail.slice(0, -9) })],
    ['has a detail that is no object', ours({ detail: '"acme"' })],
    ['has an unknown mode', ours({ detail: detail.replace('read_only', 'gone') })],
    ['has no tenant', ours({ detail: detail.replace('tenant', 'renter') })],
    ['has a time that is no number', ours({ detail: detail.replace('7', '"7"') })],
    ['has a time before now', ours({ detail: detail.replace('7', '-7') })],
    ['is a text', detail],
    ['is null', null],
    ['is nothing', undefined],
  ])('is not ours if it %s', (_, error) => {
    expect([fenceOf(error), isTenantFenced(error)]).toEqual([null, false])
  })

  test('says that a transaction is to be run again by three codes, and no others', () => {
    const says = (code: string) =>
      isSerializationFailure(new Error('a', { cause: Object.assign(new Error('b'), { code }) }))
    expect(['40001', '40P01', 'P2034'].map(says)).toEqual([true, true, true])
    expect(['25006', '40003', '55P03', 'P2010'].map(says)).toEqual([false, false, false, false])
  })

  test('of an older database, or a newer one, is still ours', () => {
    const { indefinite: _, ...older } = fence
    expect(fenceOf(ours({ detail: JSON.stringify(older) }))).toEqual(fence)
    const newer = { ...fence, indefinite: true, since: 'yesterday' }
    const { since: __, ...known } = newer
    expect(fenceOf(ours({ detail: JSON.stringify(newer) }))).toEqual(known)
  })
})

describe('TenantReadOnlyError', () => {
  test('carries the fence, why, and how frameworks are to answer it', () => {
    const cause = new Error('refused')
    const error = new TenantReadOnlyError(fence, { cause })
    expect(error).toMatchObject({ name: 'TenantReadOnlyError', status: 503, retryAfterS: 7, cause })
    expect(error.headers).toEqual({ 'retry-after': '7' })
    expect(error.message).toBe('tenant "acme" may not be written just now')
    expect(fenceOf(new Error('handler', { cause: error }))).toEqual(fence)
  })

  test('has no retry time where the end of the fence is unknown', () => {
    const error = new TenantReadOnlyError({ ...fence, tenant: '*', indefinite: true })
    expect([error.status, error.headers, error.cause]).toEqual([403, {}, undefined])
    expect(error.message).toBe('no tenant may be written just now')
  })
})
