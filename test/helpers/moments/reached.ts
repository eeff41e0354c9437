// Waits for a place in the life of an attempt of this process, instead of asking how far it is.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { RemoteCall } from '../../../src/calls.ts'

export interface CallPlace {
  readonly moment: RemoteCall['moment']
  readonly phase: string
  /** The pool's name, e.g. `target`. */
  readonly to: string
  /** The how-manieth such call it is. Default 1. */
  readonly count?: number
}

/** Resolves when an attempt at this tenant comes to the place. Ask before the attempt begins. */
async function reached(tenant: string, place: CallPlace): Promise<void> {
  const { moment, phase, to, count = 1 } = place
  let met = 0
  await new Promise<void>((resolve) => {
    const hear = (message: unknown) => {
      const call = message as RemoteCall
      if (call.tenant !== tenant || call.phase !== phase) return
      if (call.moment !== moment || call.to !== to) return
      met += 1
      if (met < count) return
      unsubscribe('rehome:call', hear)
      resolve()
    }
    subscribe('rehome:call', hear)
  })
}

/** When some chunks of the tenant's rows are at the target, and others are to come. */
export async function copying(tenant: string): Promise<void> {
  await reached(tenant, { moment: 'after', phase: 'copy', to: 'target', count: 20 })
}
