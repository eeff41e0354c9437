// A worker that receives SIGTERM at calls of the last phases of a move.
import { expect } from 'vitest'
import type { RemoteCall } from '../../../src/calls.ts'
import { hearing, openAttempts } from '../attempts.ts'
import { expectHome, flagsAt, tryWrite } from '../runs.ts'
import { createWorld } from '../world.ts'

/** A call of the last phases, before it is sent: after it is before the next one. */
function isLate({ phase = '', moment }: RemoteCall): boolean {
  const last = ['verify', 'final_catch_up', 'cutover', 'release']
  return moment === 'before' && last.includes(phase)
}

/** Stops one move at each place that `takes` chooses, from shortly before the cutover on. */
export async function stopMoves(
  strategy: 'offline' | 'online',
  takes: (place: number) => boolean,
): Promise<void> {
  await using world = await createWorld({ plan: { strategy, attempts: 1 } })
  const places: string[] = []
  await world.addTenant('t', 2)
  await world.rehome.enqueue(world.plan(), { tenants: ['t'] })
  await using attempts = openAttempts(world)
  {
    using _ = hearing('t', (call) => {
      if (isLate(call)) places.push(`${call.phase}`)
    })
    expect(await attempts.try('t')).toMatchObject({ kind: 'settled' })
  }
  const first = Math.max(0, places.indexOf('cutover') - 8)
  const all = places.slice(first).map((_, i) => ({ at: first + i, tenant: `t${i}` }))
  const stops = all.filter((_, i) => takes(i))
  const tenants = stops.map(({ tenant }) => tenant)
  for (const tenant of tenants) await world.addTenant(tenant, 2)
  await world.rehome.enqueue(world.plan(), { tenants })
  const homes: string[] = []
  for (const { at, tenant } of stops) {
    using stop = stopAt(tenant, at, isLate)
    const outcome = await attempts.try(tenant, { stop: stop.signal })
    const move = await attempts.moveOf(tenant)
    if (outcome.kind === 'settled') {
      await expectHome(world, tenant, 'target')
      homes.push('target')
    } else {
      expect(outcome).toMatchObject({ kind: 'failed', again: true, error: { code: 'STOPPED' } })
      expect(await tryWrite(world, 'source', tenant)).toBe('accepted')
      expect(move).toMatchObject({ phase: 'queued', attempts_used: 0, open: true })
      homes.push('source')
      // It has not used up its one attempt.
      expect(await attempts.try(tenant)).toMatchObject({ kind: 'settled' })
    }
    const closed = (await flagsAt(world, 'target')).filter(([, mode]) => mode !== 'capturing')
    expect(closed).toEqual([])
  }
  // The number of calls before the cutover differs a little from move to move.
  expect([homes[0], homes.at(-1)]).toEqual(['source', 'target'])
}

/** A signal that stops the tenant's attempt at one of the calls that `counts` takes, by number. */
export function stopAt(
  tenant: string,
  at: number,
  counts: (call: RemoteCall) => boolean,
): Disposable & { readonly signal: AbortSignal } {
  const stop = new AbortController()
  let calls = 0
  const heard = hearing(tenant, (call) => {
    if (!counts(call)) return
    if (calls === at) stop.abort()
    calls += 1
  })
  return { signal: stop.signal, [Symbol.dispose]: () => heard[Symbol.dispose]() }
}
