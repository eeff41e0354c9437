// Points of a worker's life, named by its remote calls. Calls that timers make come at any time, so
// they are no points.
import { subscribe } from 'node:diagnostics_channel'
import type { RemoteCall } from '../../src/calls.ts'

export interface CallPoint {
  /** `before copy target 3`: before the third call to the target in phase `copy`. */
  readonly name: string
  /**
   * `before copy target 2 of commit`: before the second such call there. Where two tables are under
   * way at once, their calls mingle differently each time, and these come nevertheless.
   */
  readonly place: string
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
  const ordinalOf = (of: string) => {
    const ordinal = (ordinals.get(of) ?? 0) + 1
    ordinals.set(of, ordinal)
    return ordinal
  }
  subscribe('rehome:call', (message) => {
    const call = message as RemoteCall
    const { moment, text } = call
    if (call.tenant !== tenant || byTimer(text)) return
    const where = `${moment} ${call.phase} ${call.to}`
    const name = `${where} ${ordinalOf(where)}`
    const shape = shapeOf(text)
    const place = `${where} ${ordinalOf(`${where} ${shape}`)} of ${shape}`
    heard({ name, place, moment, text })
  })
}

/** How a statement begins, without what is the tenant's. */
function shapeOf(text: string): string {
  return text
    .replace(/'[^']*'/g, "'…'")
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 120)
}
