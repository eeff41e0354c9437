/**
 * The attempts of a worker, and what a person has decided about their moves meanwhile: one look a
 * second for all of them together, so that an attempt asks for nothing itself. A move past its
 * cutover is left alone: it only goes forward.
 */
import type { Control } from '../control/database.ts'
import { type Steer, steersOf } from '../control/steer.ts'
import { RehomeError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { isOnlyForward } from '../phases.ts'

export interface SteeredAttempt {
  readonly moveId: string
  readonly token: string
  phase(): string
  abort(reason: RehomeError): void
}

export interface Steering {
  /** Until what it returns is called. */
  watch(attempt: SteeredAttempt): () => void
  /** Looks once, now. */
  look(): Promise<void>
  stop(): void
}

export interface SteeringOptions {
  readonly control: Control
  readonly log: Logger
  /** Default 1,000. */
  readonly everyMs?: number
}

export function startSteering({ control, log, everyMs = 1_000 }: SteeringOptions): Steering {
  const attempts = new Set<SteeredAttempt>()
  let looking = false
  const look = async () => {
    if (attempts.size === 0) return
    const watched = [...attempts]
    const ids = watched.map(({ moveId }) => moveId)
    const steers = new Map((await steersOf(control, ids)).map((steer) => [steer.id, steer]))
    for (const attempt of watched) obey(attempt, steers.get(attempt.moveId))
  }
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    look()
      .catch((error: unknown) => log.warn({ err: error }, 'could not look for pauses and cancels'))
      .finally(() => {
        looking = false
      })
  }, everyMs)
  return {
    watch(attempt) {
      attempts.add(attempt)
      return () => void attempts.delete(attempt)
    },
    look,
    stop: () => clearInterval(timer),
  }
}

function obey(attempt: SteeredAttempt, steer: Steer | undefined): void {
  if (!steer || isOnlyForward(attempt.phase())) return
  // A request takes the token away; another worker would have put its own in place.
  if (steer.token === null) {
    attempt.abort(new RehomeError('CANCELLED', 'the move was called off: see `rehome show`'))
  } else if (steer.token === attempt.token && steer.pausedNow) {
    attempt.abort(new RehomeError('PAUSED', 'the move waits until it is resumed: `rehome resume`'))
  }
}
