// Connections between a worker and an end break, or freeze without a word, at the worst moments.
import { expect, test } from 'vitest'
import { type OnData, startTcpProxy, type TcpProxy } from '../../dev/tcp-proxy.ts'
import { describeOnBackends } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { ended, expectHome, rowsAt, tryWrite } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

type End = 'source' | 'target'
const timeout = 180_000
const slowly = { chunkRows: 20, attempts: 9, fence: { leaseMs: 2_000, drainMs: 2_000 } }

async function proxyTo(world: World, end: End, onData?: OnData) {
  const url = new URL(world[end].url)
  const to = { host: url.hostname, port: Number(url.port) }
  const proxy = await startTcpProxy({ to, ...(onData && { onData }) })
  url.port = String(proxy.port)
  return { proxy, environment: { [`${end.toUpperCase()}_URL`]: url.href } }
}

/** Once, when about as many bytes have passed in this direction. */
function after(bytes: number, direction: 'up' | 'down', what: 'cut' | 'freeze'): OnData {
  let left = bytes
  return (chunk, to) => {
    if (to !== direction || left < 0) return
    left -= chunk.length
    return left < 0 ? what : undefined
  }
}

/** The answer to the cutover, in place of being forwarded. */
function atCutover(what: 'cut' | 'freeze'): { onData: OnData; met: () => number } {
  let met = 0
  const onData: OnData = (chunk, direction) => {
    const text = chunk.toString('latin1')
    if (direction !== 'down' || met > 0) return
    if (!text.includes('UPDATE 1') || !text.includes('moved')) return
    met += 1
    return what
  }
  return { onData, met: () => met }
}

async function expectMoved(world: World, runId: string | null): Promise<void> {
  const move = (await ended(world, runId)).get('acme')
  expect(move?.phase).toBe('moved')
  expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
  await expectHome(world, 'acme', 'target')
}

async function frozenUntil(proxy: TcpProxy, what: () => Promise<void>): Promise<void> {
  proxy.freeze()
  try {
    await what()
  } finally {
    proxy.thaw()
  }
}

describeOnBackends('a connection', (backend) => {
  test.each<[End, 'up' | 'down']>([
    ['source', 'down'],
    ['target', 'up'],
  ])(
    'to the %s that is cut in the middle of a COPY costs an attempt',
    { timeout },
    async (...of) => {
      const [end, direction] = of
      await using world = await createWorld({ backend, plan: slowly })
      await world.addTenant('acme', 2000)
      const { proxy, environment } = await proxyTo(world, end, after(250_000, direction, 'cut'))
      await using _proxy = proxy
      await using _worker = await world.work(undefined, environment)
      const { runId } = await world.rehome.enqueue(world.plan())
      await expectMoved(world, runId)
      expect((await ended(world, runId)).get('acme')?.attempt).toBeGreaterThan(1)
    },
  )

  test.each<[End]>([['source'], ['target']])(
    'to the %s that freezes while copying keeps the tenant closed no longer than the lease',
    { timeout },
    async (end) => {
      await using world = await createWorld({ backend, plan: slowly })
      await world.addTenant('acme', 2000)
      const { proxy, environment } = await proxyTo(world, end)
      await using _proxy = proxy
      await using _worker = await world.work(undefined, environment)
      const { runId } = await world.rehome.enqueue(world.plan())
      await eventually(async () => {
        const [move] = (await world.rehome.status(runId ?? '')).moves
        expect(Number(move?.rows_copied)).toBeGreaterThan(500)
      })
      await frozenUntil(proxy, async () => {
        await eventually(
          async () => expect(await tryWrite(world, 'source', 'acme')).toBe('accepted'),
          { withinMs: 20_000 },
        )
      })
      await expectMoved(world, runId)
    },
  )

  test('that breaks at the answer to the cutover leaves no doubt', { timeout }, async () => {
    await using world = await createWorld({ backend, plan: slowly })
    await world.addTenant('acme')
    const { onData, met } = atCutover('cut')
    const { proxy, environment } = await proxyTo(world, 'source', onData)
    await using _proxy = proxy
    await using _worker = await world.work(undefined, environment)
    const { runId } = await world.rehome.enqueue(world.plan())
    await expectMoved(world, runId)
    expect(met()).toBe(1)
    expect((await ended(world, runId)).get('acme')?.attempt).toBe(1)
  })

  test('that freezes at the answer to the cutover leaves no doubt', { timeout }, async () => {
    await using world = await createWorld({ backend, plan: slowly })
    await world.addTenant('acme')
    const { onData, met } = atCutover('freeze')
    const { proxy, environment } = await proxyTo(world, 'source', onData)
    await using _proxy = proxy
    await using _worker = await world.work(undefined, environment)
    const { runId } = await world.rehome.enqueue(world.plan())
    await expectMoved(world, runId)
    expect(met()).toBe(1)
  })
})
