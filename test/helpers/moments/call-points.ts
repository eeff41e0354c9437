// Points of a worker's life, named by its remote calls. Calls that timers make come at any time, so
// they are no points.
import { subscribe } from 'node:diagnostics_channel'
import type { RemoteCall } from '../../../src/calls.ts'

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
  const nameOf = createPointNames()
  subscribe('rehome:call', (message) => {
    const call = message as RemoteCall
    const point = call.tenant === tenant ? nameOf(call) : null
    if (point) heard(point)
  })
}

/** Names the calls of one worker for one tenant, in order. null: a timer's, which is no point. */
export function createPointNames(): (call: RemoteCall) => CallPoint | null {
  const ordinals = new Map<string, number>()
  const ordinalOf = (of: string) => {
    const ordinal = (ordinals.get(of) ?? 0) + 1
    ordinals.set(of, ordinal)
    return ordinal
  }
  return ({ moment, phase = 'queued', to, text }) => {
    if (byTimer(text)) return null
    const where = `${moment} ${phase} ${to}`
    const name = `${where} ${ordinalOf(where)}`
    const shape = shapeOf(text)
    const place = `${where} ${ordinalOf(`${where} ${shape}`)} of ${shape}`
    return { name, place, moment, text }
  }
}

/** A death after this call leaves the ends as they were: it reads, or begins something. */
export function changesNothing({ text }: Pick<CallPoint, 'text'>): boolean {
  // One call may hold a whole transaction.
  return readsOnly.test(text) && !/;\s*commit\b/.test(text)
}

const readsOnly = new RegExp(
  String.raw`^\s*(select(?! .*(setval|pg_terminate))|with r|savepoint|begin|set |GET |` +
    'POST v1/(flags/(read-flag|answer)|feed/(position|count-changes|changes|read-checkpoint|broken)|' +
    'rows/(read|digest|buckets|hashes|count|existing|known|repeated|is-empty|broken|largest|position)))',
  's',
)

/** The phase in which a place is. */
export function phaseOf(place: string): string {
  return place.split(' ')[1] ?? ''
}

const shapes = new Map<string, string>()

/** How a statement begins, without what is the tenant's. */
function shapeOf(text: string): string {
  const known = shapes.get(text)
  if (known !== undefined) return known
  const shape = text
    .replace(/'[^']*'/g, "'…'")
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 120)
  if (shapes.size < 10_000) shapes.set(text, shape)
  return shape
}
