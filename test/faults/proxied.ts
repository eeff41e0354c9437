// A worker whose connections to one end pass through a proxy that cuts or freezes them.
import { expect } from 'vitest'
import { type OnData, startTcpProxy } from '../../dev/tcp-proxy.ts'
import { ended, expectHome, rowsAt } from '../helpers/runs.ts'
import type { World } from '../helpers/world.ts'

export type End = 'source' | 'target'
export const timeout = 180_000
export const slowly = {
  chunkRows: 20,
  attempts: 9,
  fence: { leaseMs: 2_000, drainMs: 2_000 },
}

export async function proxyTo(world: World, end: End, onData?: OnData) {
  const url = new URL(world[end].url)
  const to = { host: url.hostname, port: Number(url.port) }
  const proxy = await startTcpProxy({ to, ...(onData && { onData }) })
  url.port = String(proxy.port)
  return { proxy, environment: { [`${end.toUpperCase()}_URL`]: url.href } }
}

export async function expectMoved(world: World, runId: string | null): Promise<void> {
  const move = (await ended(world, runId)).get('acme')
  expect(move?.phase).toBe('moved')
  expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
  await expectHome(world, 'acme', 'target')
}
