// A pooler between a worker and an end is refused before anything is begun: what a session has set
// would not be there for its next query.
import { expect, test } from 'vitest'
import { findPgbouncer, startPgbouncer } from '../../dev/pgbouncer.ts'
import { open } from '../../src/coordinator/rehome.ts'
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

test.skipIf(!program)(
  'one that drops our settings on the way is found by the preflight',
  async () => {
    await using world = await createWorld()
    await world.addTenant('acme')
    await using _through = await putInFront(world, options)
    await using rehome = await open({ environment: world.environment })
    const [finding] = await rehome.check(world.plan())
    expect(finding).toMatchObject({ where: 'source' })
    expect(finding?.message).toMatch(/our session settings do not arrive \(.*not to a pooler/)
    await expect(rehome.enqueue(world.plan())).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' })
    expect(await rehome.runs()).toEqual([])
    expect(await flagsAt(world, 'source')).toEqual([])
  },
)

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
    expect(failed).toMatchObject({ phase: 'failed', error_code: 'PREFLIGHT_FAILED' })
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
