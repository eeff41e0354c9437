/**
 * Guards a request, whatever framework brings it: at the gate, before the handler, and
 * after the handler was refused. The database decides; nothing here lets a write through that it
 * would refuse, and where this knows nothing, the handler is asked.
 */
import type { Fence } from '../fence.ts'
import { fenceOf } from '../tenant-fenced.ts'
import { TenantReadOnlyError } from '../tenant-read-only-error.ts'
import { within } from '../within.ts'
import { type Answer, askAgain, isSafe, refuse } from './answer.ts'
import type { GateOptions } from './door-options.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import type { WebRequest } from './web-request.ts'

/** `client-left`: the client has left. */
export type Decision = 'client-left' | Answer

export interface RequestGuard {
  /** Before the handler. Never rejects. */
  enter(): Promise<'pass' | Decision>
  /** After it has thrown; null: not because of a fence. Never rejects, nor do the next two. */
  refused(error: unknown): Promise<null | Decision>
  /**
   * Waits first where this request may: `again` means that the handler can run once more. What
   * comes of that is for `refused`, so that it is no third time.
   */
  refusedOrAgain(error: unknown): Promise<null | 'again' | Decision>
  /** The variant for adapters that cannot run it: the client is asked to send its request again. */
  refusedOrSentAgain(error: unknown): Promise<null | Decision>
  /** Whether `refusedOrAgain` may be `again`. */
  readonly repeats: boolean
}

export interface ReadOnlyGate<R> {
  guard(native: R, request: WebRequest): RequestGuard
}

export function createReadOnlyGate<R extends object>(options: GateOptions<R>): ReadOnlyGate<R> {
  return { guard: (native, request) => openGuard(options, native, request) }
}

function openGuard<R extends object>(
  options: GateOptions<R>,
  native: R,
  request: WebRequest,
): RequestGuard {
  const exempt = options.isExempt(native, request)
  const repeats = options.holdMs > 0 && options.repeat && !exempt
  const hold = openHold(options, request)

  /** Both may be wrong or fail without a write being lost: then nothing is known beforehand. */
  const tenantOf = () => orNull(async () => (await options.tenantOf(native)) ?? null)
  const look = (tenant: string) =>
    orNull(async () => (await within(lookMs, options.look?.(tenant))) ?? null)

  const answer = async (fence: Fence, tenant: string | null) => {
    const { texts, fallback, page } = options
    const shown = page && ((refusal: Refusal) => page(refusal, native))
    return await refuse(refusalOf(fence, tenant), request, { texts, fallback, page: shown })
  }

  const waitFor = async <A>(again: A, error: unknown): Promise<A | null | Decision> => {
    const fence = fenceOf(error)
    if (!fence) return null
    const tenant = await tenantOf()
    // Another tenant's fence is not for this one to wait for.
    const own = tenant === null || fence.tenant === tenant || fence.tenant === '*'
    // `homes.run` has waited already.
    const waited = error instanceof TenantReadOnlyError
    if (again === null || !repeats || !own || waited) return await answer(fence, tenant)
    const held = await hold(fence, tenant ?? fence.tenant)
    if (held === 'client-left') return 'client-left'
    return held === 'open' ? again : await answer(fence, tenant)
  }

  return {
    repeats,
    refused: (error) => waitFor(null, error),
    refusedOrAgain: (error) => waitFor('again' as const, error),
    refusedOrSentAgain: (error) => waitFor(askAgain(request), error),
    async enter() {
      if (isSafe(request) || exempt) return 'pass'
      const tenant = await tenantOf()
      const fence = tenant === null ? null : await look(tenant)
      if (tenant === null || !fence) return 'pass'
      const held = await hold(fence, tenant)
      if (held === 'open') return 'pass'
      return held === 'client-left' ? 'client-left' : await answer(fence, tenant)
    },
  }
}

/** Until it can be written; all waits of one request together take `holdMs` at most. */
function openHold<R>({ holdMs, untilWritable }: GateOptions<R>, request: WebRequest) {
  let heldMs = 0
  return async (fence: Fence, tenant: string): Promise<'open' | 'closed' | 'client-left'> => {
    const ms = holdMs - heldMs
    if (ms <= 0 || fence.indefinite) return 'closed'
    const signal = request.signal()
    const since = performance.now()
    const open = signal.aborted
      ? null
      : await orNull(async () => await untilWritable?.(tenant, { ms, signal }))
    heldMs += performance.now() - since
    if (signal.aborted) return 'client-left'
    return open === true ? 'open' : 'closed'
  }
}

/** A look that takes longer than most requests is no help. */
const lookMs = 1000

async function orNull<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch {
    return null
  }
}
