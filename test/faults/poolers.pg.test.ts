// A pooler between a worker and an end is refused before anything is begun: what a session has set
// would not be there for its next query.
import { expect, test } from 'vitest'
import { findPgbouncer, startPgbouncer } from '../../dev/pgbouncer.ts'
import { open } from '../../src/coordinator/rehome.ts'
import { openPool } from '../helpers/database.ts'
import { ended, expectHome, flagsAt, rowsAt } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const program = findPgbouncer() ?? ''
const options = { ignore_startup_parameters: 'extra_float_digits,options' }

/** Until `through` disposes of itself, every connection to the source leads through a pooler. */
async function putInFront(world: World, settings: Record<string, string>) {
  const through = await startPgbouncer(program, { url: world.source.url, settings })
  Object.assign(world.environment, { SOURCE_URL: through.url })
  return through
}

test.skipIf(!program)('PgBouncer in transaction mode is refused in one line', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  await using _through = await putInFront(world, {})
  await using rehome = await open({ environment: world.environment })
  await expect(rehome.check(world.plan())).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
    message: expect.stringMatching(/^the source .* connect to PostgreSQL itself, not to a pooler/),
  })
  await expect(rehome.enqueue(world.plan())).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  expect(await rehome.runs()).toEqual([])
})

test.skipIf(!program)('one that drops our settings on the way is refused, too', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  await using _through = await putInFront(world, options)
  await using rehome = await open({ environment: world.environment })
  const refused = { code: 'ACCESS_DENIED', message: expect.stringMatching(/shares the sessions/) }
  await expect(rehome.check(world.plan())).rejects.toMatchObject(refused)
  await expect(rehome.enqueue(world.plan())).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  expect(await rehome.runs()).toEqual([])
  expect(await flagsAt(world, 'source')).toEqual([])
  // What the pooler gives to others is as it was.
  const { rows } = await queryThrough(world, 'show search_path')
  expect(rows).toEqual([{ search_path: '"$user", public' }])
})

/** Runs it on a connection of the application's own to the source. */
async function queryThrough(world: World, query: string) {
  const pool = openPool(world.environment.SOURCE_URL ?? '', { max: 1 })
  return await pool.query(query).finally(() => pool.end())
}

// Some poolers refuse settings at the start of a session, others drop them.
test.skipIf(!program).each([
  ['refuses', { ignore_startup_parameters: 'extra_float_digits' }],
  ['drops', options],
])('one in session mode that %s our settings gets them by statements', async (_, settings) => {
  await using world = await createWorld({ plan: { strategy: 'online' } })
  await world.addTenant('acme')
  const before = await rowsAt(world, 'source', 'acme')
  await using _through = await putInFront(world, { pool_mode: 'session', ...settings })
  await using rehome = await open({ environment: world.environment })
  expect(await rehome.check(world.plan())).toEqual([])
  await using _worker = await world.work()
  const { runId } = await rehome.enqueue(world.plan())
  expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved' })
  expect(await rowsAt(world, 'target', 'acme')).toEqual(before)
  await expectHome(world, 'acme', 'target')
})

test.skipIf(!program)(
  'a worker behind one fails its moves, and keeps no tenant closed',
  async () => {
    await using world = await createWorld({ plan: { attempts: 1 } })
    await world.addTenant('acme')
    const { runId } = await world.rehome.enqueue(world.plan())
    const direct = world.environment.SOURCE_URL
    await using _through = await putInFront(world, options)
    const worker = await world.work()
    const failed = (await ended(world, runId)).get('acme')
    expect(failed).toMatchObject({ phase: 'failed', error_code: 'ACCESS_DENIED' })
    expect(await flagsAt(world, 'source')).toEqual([])
    await worker.close()
    Object.assign(world.environment, { SOURCE_URL: direct })
    await using _direct = await world.work()
    await world.rehome.retry(runId ?? '')
    expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved' })
    expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
    await expectHome(world, 'acme', 'target')
  },
)
