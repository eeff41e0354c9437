/** Options of read-only mode as the application gives them, and their checked form. */
import { RehomeError } from '../../errors.ts'
import type { Fence } from '../fence.ts'
import { holdMsOf } from '../hold.ts'
import type { Refusal } from './refusal.ts'
import { english, type Texts } from './texts.ts'
import type { WebRequest } from './web-request.ts'

type Maybe<T> = T | null | undefined

/** `R`: the request as the framework has it. Of Hono and Koa it is their context. */
export interface ReadOnlyModeOptions<R> {
  /** The tenant of a request, if it has one. Asked again once the handler has run. */
  readonly tenantOf: (request: R) => Maybe<string> | Promise<Maybe<string>>
  /** `homes.look`. Without it nothing is known before the database has refused. */
  readonly look?: ((tenant: string) => Promise<Fence | null>) | undefined
  /** `homes.untilWritable`: rejects or returns `false` where it is not, within `ms` or at once. */
  readonly untilWritable?:
    | ((tenant: string, limits: { ms: number; signal: AbortSignal }) => Promise<boolean>)
    | undefined
  /** How long a request waits instead of being refused, `'5s'`, `'500ms'` or ms. Default 0. */
  readonly hold?: string | number | undefined
  /** Whether a handler that was refused may run again once it can be written. Default true. */
  readonly repeat?: boolean | undefined
  /** Left alone at the gate: paths with all below them, patterns of paths, or a function. */
  readonly exempt?: readonly (string | RegExp | ((request: R) => boolean))[] | undefined
  /** The page for people, whole. It has to escape what it is given. */
  readonly page?: ((refusal: Refusal, request: R) => string | Promise<string>) | undefined
  /** Sends a browser's form back where it came from, else to `fallback` (`/`). Default false. */
  readonly redirect?: boolean | { readonly fallback: string } | undefined
  readonly texts?: Partial<Texts> | undefined
}

export interface GateOptions<R>
  extends Pick<ReadOnlyModeOptions<R>, 'tenantOf' | 'look' | 'untilWritable' | 'page'> {
  readonly holdMs: number
  readonly repeat: boolean
  readonly isExempt: (native: R, request: WebRequest) => boolean
  readonly fallback: string | null
  readonly texts: Texts
}

/** Throws USAGE where they cannot be meant. */
export function checkOptions<R>(options: ReadOnlyModeOptions<R>): GateOptions<R> {
  const { tenantOf, look, untilWritable, page, redirect = false } = options
  const holdMs = readHold(options.hold ?? 0)
  if (holdMs > 0 && !untilWritable) throw new RehomeError('USAGE', '`hold` needs `untilWritable`')
  const rules = options.exempt ?? []
  return {
    tenantOf,
    look,
    untilWritable,
    page,
    holdMs,
    repeat: options.repeat ?? true,
    isExempt: (native, request) => rules.some((rule) => fits(rule, native, request)),
    fallback: redirect === false ? null : redirect === true ? '/' : redirect.fallback,
    texts: { ...english, ...options.texts },
  }
}

/** Proxies and browsers give up on a request that takes longer. */
const holdMsMax = 60_000

function readHold(hold: string | number): number {
  const ms = holdMsOf(hold)
  if (ms <= holdMsMax) return ms
  throw new RehomeError('USAGE', `\`hold\` is ${hold}: a request may wait for 60s at most`)
}

function fits<R>(
  rule: string | RegExp | ((request: R) => boolean),
  native: R,
  { url }: WebRequest,
): boolean {
  const path = url.replace(/\?.*/s, '')
  try {
    if (typeof rule === 'function') return rule(native)
  } catch {
    return false
  }
  // `search` does not go on where the last one ended, as `test` does with `/g`.
  if (typeof rule !== 'string') return path.search(rule) >= 0
  return path === rule || path.startsWith(`${rule.replace(/\/$/, '')}/`)
}
