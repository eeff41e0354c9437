// Points of a worker's life, named by its remote calls: `copy target 3` is the third call to the
// target in phase `copy`. Calls that timers make come at any time, so they are no points.
import { subscribe } from 'node:diagnostics_channel'
import type { RemoteCall } from '../../src/calls.ts'

export interface CallPoint {
  /** `phase to ordinal`. */
  readonly name: string
  readonly moment: RemoteCall['moment']
  readonly text: string
  /** The worker stands still here. */
  readonly stopped?: boolean
}

const isOurs = /^select "id" from "rehome_control"\."moves" where/
const renewal = /tenant_flags set expires_at/
const byTimer = (text: string) => text === 'select' || isOurs.test(text) || renewal.test(text)

/** Tells `heard` of each point that is met on behalf of this tenant, in order. */
export function hearCalls(tenant: string, heard: (point: CallPoint) => void): void {
  const ordinals = new Map<string, number>()
  subscribe('rehome:call', (message) => {
    const call = message as RemoteCall
    if (call.tenant !== tenant || byTimer(call.text)) return
    const place = `${call.phase} ${call.to}`
    const ordinal = (ordinals.get(place) ?? 0) + (call.moment === 'before' ? 1 : 0)
    ordinals.set(place, ordinal)
    heard({ name: `${place} ${ordinal}`, moment: call.moment, text: call.text })
  })
}
