// Worlds in which requests to ends over HTTP get lost, or their answers, one of each kind in turn.
import { expect } from 'vitest'
import type { PlanInput } from '../../src/plan/plan.ts'
import { operationOf, type Trouble, troubled } from './http-trouble.ts'
import { bothEnds, createHttpWorld, type EndName, type HttpWorld } from './http-world.ts'
import { ended } from './runs.ts'

export interface Loss {
  readonly end: EndName
  readonly operation: string
}

export interface Lossy {
  readonly plan?: Partial<PlanInput>
  readonly target?: string
  /** After an operation, whoever is told of it. */
  readonly onAsked?: (loss: Loss) => Promise<void>
}

/** A world in which the next request of a kind has trouble. */
export async function createLossy(trouble: Trouble, changes: Lossy = {}) {
  const { plan = {}, target, onAsked = async () => {} } = changes
  let next: Loss[] = []
  const asked = new Set<string>()
  const between = (end: EndName) =>
    troubled(async (request, work) => {
      const operation = operationOf(request)
      asked.add(JSON.stringify({ end, operation }))
      const isNext = next.some((loss) => loss.end === end && loss.operation === operation)
      if (isNext) next = next.filter((loss) => loss.end !== end || loss.operation !== operation)
      const answer = await (isNext ? trouble(request, work) : work())
      await onAsked({ end, operation })
      return answer
    })
  const world = await createHttpWorld({
    over: bothEnds,
    serve: (end) => ({ between: between(end) }),
    plan: { attempts: 3, chunkRows: 7, ...plan },
    ...(target && { target }),
  })
  return {
    world,
    /** What has been asked for since the last time. */
    seen(): Loss[] {
      const losses = [...asked].sort().map((text) => JSON.parse(text) as Loss)
      asked.clear()
      return losses
    },
    lose(...losses: Loss[]) {
      next = losses
    },
    isLost: () => next.length === 0,
    /** Those that are still to come. */
    left: () => next.map(({ end, operation }) => `${end} ${operation}`),
  }
}

/** A tenant of 12 notes. */
export async function move(world: HttpWorld, tenant: string): Promise<string> {
  await world.addTenant(tenant, 12)
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: [tenant] })
  await ended(world, runId)
  return runId ?? ''
}

/** Heartbeats come at any time, so they are no operation of a move. */
export const byTimer =
  /^flags\/(answer|renew-lease|lapsed-fences|closed-tenants|given-away|open-with)$/

/** Two at a time, of which one comes later than the other. */
export function inPairs(losses: readonly Loss[]): Loss[][] {
  const half = Math.ceil(losses.length / 2)
  return losses.slice(0, half).map((loss, i) => [loss, ...losses.slice(half + i, half + i + 1)])
}

/** The loop that looks after tenants that were cut over may be quicker: then few are not met. */
export function expectFew(missed: readonly string[], losses: readonly unknown[]): void {
  expect(missed.length, missed.join(', ')).toBeLessThanOrEqual(losses.length / 8)
}
