// Connections between a worker and an end break, or freeze without a word, while rows are copied.
import { expect, test } from 'vitest'
import type { OnData, TcpProxy } from '../../dev/tcp-proxy.ts'
import { describeOnBackends } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { copying } from '../helpers/moments/reached.ts'
import { ended, tryWrite } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'
import { type End, expectMoved, proxyTo, slowly, timeout } from './proxied.ts'

/** Once, when about as many bytes have passed in this direction. */
function after(bytes: number, direction: 'up' | 'down', what: 'cut' | 'freeze'): OnData {
  let left = bytes
  return (chunk, to) => {
    if (to !== direction || left < 0) return
    left -= chunk.length
    return left < 0 ? what : undefined
  }
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
      const midway = copying('acme')
      const { runId } = await world.rehome.enqueue(world.plan())
      await midway
      await frozenUntil(proxy, async () => {
        await eventually(
          async () => expect(await tryWrite(world, 'source', 'acme')).toBe('accepted'),
          { withinMs: 20_000 },
        )
      })
      await expectMoved(world, runId)
    },
  )
})
