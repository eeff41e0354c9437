/**
 * THE MODEL: rehome's protocol for one tenant, with everything that can go wrong between any two
 * statements, explored in every interleaving. Breadth first, so the trace to a broken promise is a
 * shortest one. A state is remembered as its text, and the number of the state before it.
 *
 * Modelled: both ends' flags, turns, buckets, progress and rows; the control record; up to two
 * workers at a time and a few attempts, each of which may stop anywhere for any time and go on with
 * what it knew, fail, die, be stopped, or not hear of its cutover's commit; leases that lapse
 * at any instant; a READ COMMITTED writer and one with a snapshot, who may be wrong about the home;
 * the application that opens an end with a key, now or late; the reaper; people who ask for a
 * rollback, a retry or a new run. Each statement is one step: statements.ts has them, move.ts and
 * rollback.ts the order.
 *
 * Not modelled: other tenants, updates and deletes of rows, transforms, sequences, clean-up after a
 * move, discarded writes, prepared transactions, a control database that was restored. Writes at a
 * target that rehome has not closed yet, or has given back empty, are not looked after. That
 * a server loses a commit is not modelled, either.
 */
import { type Event, eventsOf, type Scope } from './events.ts'
import {
  brokenBy,
  brokenByStop,
  brokenNow,
  changedLate,
  stuckAlone,
  stuckForNew,
} from './promises.ts'
import { State } from './state.ts'

export interface Found {
  readonly states: number
  /** The broken promise, and how it came about, event by event. */
  readonly broken?: { readonly what: string; readonly trace: readonly string[] }
  /** Every state within the bounds was seen. */
  readonly exhausted: boolean
}

export interface Search extends Scope {
  readonly start: (s: State) => void
  /** Workers whose turn has passed may change something, as long as it does no harm. */
  readonly onlyHarm?: boolean
  /** Default 5,000,000. */
  readonly statesMax?: number
}

export function explore(search: Search): Found {
  const { rules, statesMax = 5_000_000, onlyHarm } = search
  const events = eventsOf(search)
  const [before, after] = [new State(), new State()]
  search.start(before)
  const keys = [before.key()]
  const parents = [0]
  const seen = new Set(keys)
  const found = (what: string, at: number, event?: Event): Found => ({
    states: keys.length,
    broken: { what, trace: traceTo(at, { keys, parents, events, last: event }) },
    exhausted: false,
  })
  for (let i = 0; i < keys.length; i += 1) {
    if (keys.length > statesMax) return { states: keys.length, exhausted: false }
    before.load(keys[i] ?? '')
    for (const event of events) {
      after.copyFrom(before)
      if (!event.happens(after)) continue
      const broken =
        brokenBy(before, after, event.place) ??
        (onlyHarm ? undefined : changedLate({ before, after }, event.place)) ??
        (search.stops && event.place !== undefined && !event.isMishap
          ? brokenByStop({ before, after }, event.place)
          : undefined) ??
        brokenNow(after)
      if (broken) return found(broken, i, event)
      const key = after.key()
      if (seen.has(key)) continue
      seen.add(key)
      keys.push(key)
      parents.push(i)
      const stuck = stuckAlone(after, rules) ?? stuckForNew(after, rules)
      if (stuck) return found(stuck, i, event)
    }
  }
  return { states: keys.length, exhausted: true }
}

interface Path {
  readonly keys: readonly string[]
  readonly parents: readonly number[]
  readonly events: readonly Event[]
  readonly last: Event | undefined
}

/** Which event led from one state to the next is found again by trying. */
function traceTo(at: number, { keys, parents, events, last }: Path): string[] {
  const trace: string[] = []
  const s = new State()
  if (last) {
    s.load(keys[at] ?? '')
    trace.unshift(last.words(s))
  }
  for (let i = at; i > 0; i = parents[i] ?? 0) {
    const from = keys[parents[i] ?? 0] ?? ''
    const event = events.find((one) => {
      s.load(from)
      return one.happens(s) && s.key() === keys[i]
    })
    s.load(from)
    trace.unshift(event?.words(s) ?? '?')
  }
  return trace
}
