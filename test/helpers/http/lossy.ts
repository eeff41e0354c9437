// Worlds in which several tenants at once lose six requests each, or the answers to them. Which of
// them were lost is accounted for exactly.
import {
  type OperationName,
  operations,
  pathOf,
} from '../../../src/ends/http/protocol/operations.ts'
import type { PlanInput } from '../../../src/plan/plan.ts'
import { bothEnds, createHttpWorld, type EndName, type HttpWorld } from '../http-world.ts'
import { type Ended, ended } from '../runs.ts'
import { operationOf, readAhead, type Trouble, troubled } from './http-trouble.ts'

export interface Loss {
  readonly end: EndName
  readonly operation: string
}

interface Asked extends Loss {
  /** null: the operation names no tenant, so its loss meets the first tenant that asks for it. */
  readonly tenant: string | null
}

export interface Lossy {
  readonly plan?: Partial<PlanInput>
  readonly target?: string
  /** Called after each operation. */
  readonly onAsked?: (world: HttpWorld, asked: Asked) => Promise<void>
}

const lossesEach = 6
// Nothing here is about time, so none of it may run out where the machine is slow.
const together = {
  ...{ concurrency: 3, pause: { budgetMs: 120_000 } },
  fence: { leaseMs: 120_000, drainMs: 120_000 },
} as const

/** Each loss may cost an attempt. */
const attempts = lossesEach + 2

/** A world in which chosen requests have trouble, each once. Call `prepare` before the errands. */
export async function createLossy(trouble: Trouble, changes: Lossy = {}) {
  const { plan = {}, target, onAsked = async () => {} } = changes
  const ledger = createLedger()
  const worlds: HttpWorld[] = []
  const world = await createHttpWorld({
    over: bothEnds,
    asking: { concurrency: 2 * together.concurrency + 1 },
    serve: (end) => ({
      between: (handler) => async (incoming, response) => {
        const { request, body } = await readAhead(incoming)
        const asked = { end, operation: operationOf(request), tenant: tenantIn(body) }
        const between = troubled(async (of, work) => {
          const answer = await (ledger.takes(asked) ? trouble(of, work) : work())
          for (const one of worlds) await onAsked(one, asked)
          return answer
        })
        await between(handler)(request, response)
      },
    }),
    plan: { attempts, ...together, ...plan },
    // The loop that looks after tenants would do parts of their moves.
    reconcileEveryMs: 60_000,
    ...(target && { target }),
  })
  worlds.push(world)
  return { world, ...ledger }
}

/** A record of requests, and of those that are to be lost. */
function createLedger() {
  const asked = new Map<string, Loss>()
  let next: Asked[] = []
  return {
    takes({ end, operation, tenant }: Asked): boolean {
      if (!byTimer.test(operation)) asked.set(`${end} ${operation}`, { end, operation })
      const taken = next.find(
        (loss) =>
          loss.end === end &&
          loss.operation === operation &&
          (tenant === null || loss.tenant === tenant),
      )
      next = next.filter((loss) => loss !== taken)
      return taken !== undefined
    },
    /** Requests since the last call, in the order of their first occurrence. */
    seen(): Loss[] {
      const losses = [...asked.values()]
      asked.clear()
      return losses
    },
    lose(tenants: ReadonlyMap<string, readonly Loss[]>): void {
      next = [...tenants].flatMap(([tenant, losses]) => losses.map((loss) => ({ ...loss, tenant })))
    },
    /** Losses that never happened. */
    left: () => next.map(({ end, operation, tenant }) => `${end} ${operation} of ${tenant}`),
  }
}

/** The tenant whose rows or flag a request is about. */
function tenantIn(body: string): string | null {
  const [head = ''] = body.split('\n', 1)
  const parsed: unknown = head === '' ? null : JSON.parse(head)
  const named = typeof parsed === 'object' && parsed !== null && 'tenant' in parsed
  return named ? String(parsed.tenant) : null
}

/** Timers ask for these at any time, so they are no operations of a move. */
const byTimer = /^flags\/(answer|renew-lease|lapsed-fences|closed-tenants|given-away|open-with)$/

const once = Object.entries(operations).filter(([, { repeatable }]) => !repeatable)
const oncePaths = once.map(([name]) => pathOf(name as OperationName).replace(/^v1./, ''))

/** How many attempts these losses may cost: operations that may be repeated cost none. */
export function attemptsFor(losses: readonly Loss[]): number {
  return 1 + losses.filter(({ operation }) => oncePaths.includes(operation)).length
}

/** Six losses for each tenant, spread over all that a move asks for: one from each part of it. */
export function inSixes(losses: readonly Loss[]): Map<string, Loss[]> {
  const tenants = Math.ceil(losses.length / lossesEach)
  return new Map(
    Array.from({ length: tenants }, (_, i) => [
      `tenant ${i}`,
      losses.filter((_, at) => at % tenants === i),
    ]),
  )
}

/** Asks for something to be done for tenants, and has it done. Returns how each ended. */
async function carryOut(
  world: HttpWorld,
  { ask, begin }: { ask: () => Promise<string | null>; begin: () => void },
): Promise<{ runId: string; moves: Map<string, Ended> }> {
  const runId = (await ask()) ?? ''
  begin()
  await using _worker = await world.work()
  return { runId, moves: await ended(world, runId) }
}

/** Moves new tenants of twelve notes each. `begin` is called between enqueueing and moving. */
export async function moveAll(world: HttpWorld, tenants: readonly string[], begin: () => void) {
  for (const tenant of tenants) await world.addTenant(tenant, 12)
  const ask = async () => (await world.rehome.enqueue(world.plan(), { tenants })).runId
  return await carryOut(world, { ask, begin })
}

export async function rollBackAll(
  world: HttpWorld,
  { runId, tenants, begin }: { runId: string; tenants: readonly string[]; begin: () => void },
) {
  const ask = async () => {
    await world.rehome.rollback(runId, { tenants })
    return runId
  }
  return (await carryOut(world, { ask, begin })).moves
}
