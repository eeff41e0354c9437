// The connection between a worker and the source breaks, or freezes without a word, at the answer
// to the cutover. Other moments are in network.all.test.ts.
import { expect, test } from 'vitest'
import type { OnData } from '../../dev/tcp-proxy.ts'
import { describeOnOneBackend } from '../helpers/backends.ts'
import { ended } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'
import { expectMoved, proxyTo, slowly, timeout } from './proxied.ts'

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

describeOnOneBackend('a connection', (backend) => {
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
