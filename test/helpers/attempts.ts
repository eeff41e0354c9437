// Attempts at a world's moves, called directly: no queue, no worker, no process.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { RemoteCall } from '../../src/calls.ts'
import { type Control, closeControl, openControl } from '../../src/control/database.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { createLog } from '../../src/log.ts'
import { checkPlan, fingerprintOf } from '../../src/plan/check-plan.ts'
import { attempt, type Outcome } from '../../src/worker/attempt.ts'
import type { World } from './world.ts'

export interface Attempts extends AsyncDisposable {
  readonly control: Control
  /** One attempt at the tenant's open move. */
  try(tenant: string, options?: { stop?: AbortSignal }): Promise<Outcome>
  moveOf(tenant: string): Promise<Record<string, unknown>>
}

/**
 * Attempts in a world whose moves are enqueued, and that has no worker. `environment`: what
 * differs.
 */
export function openAttempts(world: World, environment: NodeJS.ProcessEnv = {}): Attempts {
  const settings = { ...world.environment, ...environment }
  const plan = checkPlan(world.plan())
  const ends = openEnds(plan, settings)
  const control = openControl(settings.CONTROL_URL ?? '')
  const quiet = { report: () => {}, tell: () => {}, log: createLog({ level: 'silent' }) }
  const moveOf = async (tenant: string) => {
    const query = 'select * from rehome_control.moves where tenant_id = $1'
    return (await world.control.pool.query(query, [tenant])).rows[0]
  }
  return {
    control,
    moveOf,
    async try(tenant, { stop = new AbortController().signal } = {}) {
      const { id: moveId, errand } = await moveOf(tenant)
      const plans = [{ plan, fingerprint: fingerprintOf(plan), ends }]
      return await attempt({ ...quiet, control, plans, moveId, errand, stop })
    },
    async [Symbol.asyncDispose]() {
      await closeEnds(ends)
      await closeControl(control)
    },
  }
}

/** Hears what is called for a tenant. `using` ends it. */
export function hearing(tenant: string | undefined, heard: (call: RemoteCall) => void): Disposable {
  const hear = (message: unknown) => {
    const call = message as RemoteCall
    if (call.tenant === tenant) heard(call)
  }
  subscribe('rehome:call', hear)
  return { [Symbol.dispose]: () => void unsubscribe('rehome:call', hear) }
}
