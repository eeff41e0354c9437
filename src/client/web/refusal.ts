/**
 * The public part of a fence: the tenant that it concerns, and never where the tenant has gone or
 * the key to it.
 */
import type { Fence } from '../fence.ts'

export interface Refusal {
  /** 503: it can be written later. 403: it is unknown when. */
  readonly status: 403 | 503
  /** `*`: the whole application. null: not the request's own tenant, so it is not named. */
  readonly tenant: string | null
  /** In words, for people. null: as before. */
  readonly reason: string | null
  /** null: unknown. */
  readonly retryAfterS: number | null
}

/** `tenant`: whose request it is; null: unknown. */
export function refusalOf(fence: Fence, tenant: string | null): Refusal {
  const own = fence.tenant === '*' || fence.tenant === tenant
  return {
    status: fence.indefinite ? 403 : 503,
    tenant: own ? fence.tenant : null,
    reason: own && fence.reason !== '' ? fence.reason : null,
    retryAfterS: fence.indefinite ? null : fence.retryAfterS,
  }
}
