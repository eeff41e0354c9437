// Rows that are damaged on their way, as no plan, trigger or transform would tell beforehand.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { RemoteCall } from '../../../src/calls.ts'
import type { World } from '../world.ts'
import { createWriter } from './writes-between.ts'

export interface Damage extends Disposable {
  /** The result of each statement: `accepted`, or how it was refused. */
  readonly outcomes: readonly string[]
}

/**
 * Changes the target as the mover would, each time that an attempt of this process begins to
 * compare the tenant, until it is disposed of.
 */
export function damageBeforeVerify(
  { target }: Pick<World, 'target'>,
  tenant: string,
  statement: string,
): Damage {
  const write = createWriter(target.url)
  const asMover = `select set_config('rehome.token', token::text, true) from rehome.tenant_flags`
  const replicate = 'set local session_replication_role = replica'
  const outcomes: string[] = []
  let last: string | undefined
  const hear = (message: unknown) => {
    const call = message as RemoteCall
    if (call.tenant !== tenant) return
    const begins = call.phase === 'verify' && last !== 'verify'
    last = call.phase
    if (begins) outcomes.push(write([asMover, replicate, statement]))
  }
  subscribe('rehome:call', hear)
  return { outcomes, [Symbol.dispose]: () => void unsubscribe('rehome:call', hear) }
}
