// A worker that receives SIGTERM in the last phases of a move: at each call that it makes there.
import { expect, test } from 'vitest'
import type { RemoteCall } from '../../src/calls.ts'
import { hearing, openAttempts } from '../helpers/attempts.ts'
import { expectHome, flagsAt, tryWrite } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

/** A call of the last phases, before it is sent: after it is before the next one. */
function isLate({ phase = '', moment }: RemoteCall): boolean {
  const last = ['verify', 'final_catch_up', 'cutover', 'release']
  return moment === 'before' && last.includes(phase)
}

test.each(['offline', 'online'] as const)(
  'an %s move that is stopped has one home',
  async (how) => {
    await using world = await createWorld({ plan: { strategy: how, attempts: 1 } })
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
    // From shortly before the cutover to the end.
    const first = Math.max(0, places.indexOf('cutover') - 8)
    const stops = places.slice(first).map((_, i) => ({ at: first + i, tenant: `t${i}` }))
    const tenants = stops.map(({ tenant }) => tenant)
    for (const tenant of tenants) await world.addTenant(tenant, 2)
    await world.rehome.enqueue(world.plan(), { tenants })
    const homes: string[] = []
    for (const { at, tenant } of stops) {
      const stop = new AbortController()
      let calls = 0
      using _ = hearing(tenant, (call) => {
        if (!isLate(call)) return
        if (calls === at) stop.abort()
        calls += 1
      })
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
  },
  180_000,
)
