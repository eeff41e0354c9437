/** Everything that can happen next, in the words in which a trace tells it. */
import * as app from './application.ts'
import * as mover from './mover.ts'
import type { Rules } from './rules.ts'
import { endNames, ends, errand, phase, type State, source } from './state.ts'
import { type Act, isSnapshot } from './statements.ts'

export interface Event {
  /** Changes the state; false: it cannot happen now, and the state is not to be looked at. */
  happens(s: State): boolean
  /** Told of the state before it. */
  words(s: State): string
  /** The place of the worker that does it. */
  readonly place?: number
  /** An end of the worker by force, or of its attempt by an error, without a request to stop. */
  readonly isMishap?: boolean
}

export interface Scope {
  readonly rules: Rules
  /** How many attempts there are, at most. */
  readonly attempts: number
  /** How often a worker fails at a statement of its own, by any cause, at most: all, or none. */
  readonly failures: boolean
  /** Workers may be stopped. */
  readonly stops: boolean
  readonly asks: readonly ('rollback' | 'retry' | 'new run')[]
}

/** Workers at the same time. */
const workers = [0, 1]

export function eventsOf(scope: Scope): Event[] {
  return [
    ...workers.flatMap((place) => eventsOfWorker(place, scope)),
    ...[0, 1].flatMap((writer) => eventsOfWriter(writer, scope.rules)),
    ...ends.flatMap((end) => eventsOfTime(end, scope.rules)),
    {
      happens: (s) => app.opens(s, scope.rules),
      words: (s) => `the application opens ${endNames[s.app.end]} with the key that it was told`,
    },
    ...eventsOfPeople(scope),
  ]
}

const kinds = { 1: 'a move', 2: 'a rollback' } as Record<number, string>

function eventsOfWorker(place: number, scope: Scope): Event[] {
  const { rules, attempts, failures, stops } = scope
  const by = (
    happens: (act: Act) => boolean,
    words: (step: string) => string,
    kind: Pick<Event, 'isMishap'> = {},
  ): Event => ({
    ...kind,
    place,
    happens: (s) => {
      const act = mover.actOf(s, place, rules)
      return act !== undefined && happens(act)
    },
    words: (s) => {
      const m = s.movers[place]
      return `attempt ${m?.attempt} ${words(mover.stepNames[m?.at ?? 0] ?? '?')}`
    },
  })
  const full = (s: State) => workers.every((other) => s.movers[other]?.at !== 0)
  const claim: Event = {
    // Places are all alike, so only the first free one is taken.
    happens: (s) =>
      s.control.attempts < attempts &&
      workers.find((other) => s.movers[other]?.at === 0) === place &&
      mover.claimMove(s, place),
    words: (s) => `attempt ${s.control.attempts + 1} claims ${kinds[s.control.errand]}`,
  }
  // Elsewhere dying is the same as stopping for ever.
  const matters = ({ s, m }: Act) => m.locked !== 0 || (full(s) && s.control.attempts < attempts)
  return [
    claim,
    by(mover.takeStep, (step) => `does: ${step}`),
    by(mover.losesAnswer, (step) => `does: ${step}, and its answer is lost`),
    by(
      (act) => failures && mover.fails(act),
      (step) => `fails instead of: ${step}`,
      { isMishap: true },
    ),
    by(
      (act) => stops && mover.isToldToStop(act),
      (step) => `is told to stop before: ${step}`,
    ),
    by(mover.postpones, () => 'hands the move on to another attempt'),
    by(mover.givesUp, () => 'gives the errand up'),
    by(
      (act) => matters(act) && mover.dies(act),
      (step) => `dies before: ${step}`,
      { isMishap: true },
    ),
    by(mover.renews, () => 'renews its lease'),
  ]
}

function eventsOfWriter(i: number, rules: Rules): Event[] {
  const who = `writer ${i + 1} (${isSnapshot(i) ? 'with a snapshot' : 'READ COMMITTED'})`
  const at = (s: State) => endNames[s.writers[i]?.end ?? 0]
  return [
    ...ends.map((end) => ({
      happens: (s: State) => app.begins(s, i, end),
      words: () => `${who} begins at ${endNames[end]}`,
    })),
    {
      happens: (s) => app.isGuarded(s, i, rules),
      words: (s) => `${who} meets the guard at ${at(s)}`,
    },
    { happens: (s) => app.commits(s, i), words: (s) => `${who} commits at ${at(s)}` },
    { happens: (s) => app.rollsBack(s, i), words: (s) => `${who} rolls back at ${at(s)}` },
  ]
}

function eventsOfTime(end: number, rules: Rules): Event[] {
  const name = endNames[end]
  return [
    {
      happens: (s) => app.windowEnds(s, end),
      words: () => `the window at ${name} ends`,
    },
    { happens: (s) => app.lapses(s, end), words: () => `the lease at ${name} lapses` },
    { happens: (s) => app.isReaped(s, end), words: () => `the reaper lowers the fence at ${name}` },
    {
      happens: (s) => app.isTold(s, end, rules),
      words: () => `the application is refused at ${name}, and told a key`,
    },
  ]
}

const beforeCutover: readonly number[] = [phase.queued, phase.preflight, phase.fence, phase.drain]

/** src/control/ask.ts. There are as many askings as there are attempts left. */
function eventsOfPeople({ asks, attempts }: Scope): Event[] {
  const asked = (s: State, what: { errand: number; fallback: number; phase?: number }) => {
    const { control } = s
    if (control.attempts >= attempts) return false
    control.errand = what.errand
    control.fallback = what.fallback
    control.open = 1
    control.token = 0
    if (what.phase) control.phase = what.phase
    return true
  }
  const rollback = ({ control }: State) => {
    if (control.open === 0 && control.phase === phase.moved) return phase.moved
    const failed = control.open === 0 && control.phase === phase.failed
    const under = control.open === 1 && control.errand === errand.move
    return failed || (under && beforeCutover.includes(control.phase)) ? phase.failed : 0
  }
  const again = (s: State) =>
    asked(s, { errand: errand.move, fallback: phase.failed, phase: phase.queued })
  const all = {
    rollback: {
      happens: (s: State) =>
        rollback(s) !== 0 && asked(s, { errand: errand.rollback, fallback: rollback(s) }),
      words: () => 'somebody asks for a rollback',
    },
    retry: {
      happens: (s: State) => s.control.open === 0 && s.control.phase === phase.failed && again(s),
      words: () => 'somebody asks for a retry',
    },
    'new run': {
      happens: (s: State) => {
        if (s.control.open === 1 || s.truth.home !== source || s.control.move === 2) return false
        s.control.move = 2
        s.control.epoch = 0
        return again(s)
      },
      words: () => 'somebody enqueues a new run',
    },
  } satisfies Record<string, Event>
  return asks.map((ask) => all[ask])
}
