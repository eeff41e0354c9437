// A worker that receives SIGTERM in the last phases of a rollback: at each call that it makes
// there.
import { expect, test } from 'vitest'
import type { RemoteCall } from '../../src/calls.ts'
import { stopAt } from '../helpers/attempts/stops.ts'
import { hearing, openAttempts } from '../helpers/attempts.ts'
import { createWorld, type World } from '../helpers/world.ts'

const last = ['undo_compare', 'undo_drain', 'undo_final_catch_up', 'undo_cutover', 'undo_release']

/** A call of the last phases, before it is sent: after it is before the next one. */
function isLate({ phase = '', moment }: RemoteCall): boolean {
  return moment === 'before' && last.includes(phase)
}

const kinds = {
  'with its writes': { rollback: { windowMs: 600_000 } },
  'without writes': { rollback: { windowMs: 0 } },
} as const

/** A write that leaves the rows as they were, so that a rollback without writes is not refused. */
const touch = (world: World, end: 'source' | 'target', tenant: string) =>
  world[end].pool.query('update notes set body = body where tenant_id = $1', [tenant]).then(
    () => 'accepted',
    () => 'refused',
  )

test.each(Object.entries(kinds))(
  'a rollback %s that is stopped has one home',
  async (_, plan) => {
    await using world = await createWorld({ plan: { ...plan, attempts: 1 } })
    await using attempts = openAttempts(world)
    const rollBack = async (tenants: string[]) => {
      for (const tenant of tenants) await world.addTenant(tenant, 2)
      const { runId } = await world.rehome.enqueue(world.plan(), { tenants })
      for (const tenant of tenants) {
        expect(await attempts.try(tenant)).toMatchObject({ kind: 'settled', phase: 'moved' })
      }
      await world.rehome.rollback(runId ?? '', { tenants })
    }
    await rollBack(['t'])
    const places: string[] = []
    {
      using _ = hearing('t', (call) => {
        if (isLate(call)) places.push(`${call.phase}`)
      })
      expect(await attempts.try('t')).toMatchObject({ kind: 'settled' })
    }
    const first = Math.max(0, places.indexOf('undo_cutover') - 4)
    const stops = places.slice(first).map((_, i) => ({ at: first + i, tenant: `t${i}` }))
    await rollBack(stops.map(({ tenant }) => tenant))
    const homes: string[] = []
    for (const { at, tenant } of stops) {
      using stop = stopAt(tenant, at, isLate)
      const outcome = await attempts.try(tenant, { stop: stop.signal })
      if (outcome.kind === 'settled') {
        homes.push('source')
      } else {
        expect(outcome).toMatchObject({ kind: 'failed', again: true, error: { code: 'STOPPED' } })
        expect(await touch(world, 'target', tenant)).toBe('accepted')
        expect(await attempts.moveOf(tenant)).toMatchObject({ attempts_used: 0, open: true })
        homes.push('target')
        expect(await attempts.try(tenant)).toMatchObject({ kind: 'settled' })
      }
      expect(await touch(world, 'source', tenant)).toBe('accepted')
      expect(await touch(world, 'target', tenant)).not.toBe('accepted')
    }
    expect([homes[0], homes.at(-1)]).toEqual(['target', 'source'])
  },
  180_000,
)
