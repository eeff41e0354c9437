/** The error for the application once waiting for a tenant is over, or was not wanted. */
import type { Fence } from './fence.ts'

/**
 * Frameworks that answer errors by their `status` and `headers` answer this one rightly without
 * knowing it. Its message is for logs: people see `fence.reason`.
 */
export class TenantReadOnlyError extends Error {
  override readonly name = 'TenantReadOnlyError'
  readonly fence: Fence
  /** 503: it can be written later. 403: it is unknown when. */
  readonly status: 403 | 503
  /** When to try again, in seconds. */
  readonly retryAfterS: number
  readonly headers: Readonly<Record<string, string>>

  constructor(fence: Fence, options: { readonly cause?: unknown } = {}) {
    super(messageOf(fence), options)
    this.fence = fence
    this.status = fence.indefinite ? 403 : 503
    this.retryAfterS = fence.retryAfterS
    this.headers = fence.indefinite ? {} : { 'retry-after': String(fence.retryAfterS) }
  }
}

function messageOf({ tenant }: Fence): string {
  if (tenant === '*') return 'no tenant may be written just now'
  return `tenant ${JSON.stringify(tenant)} may not be written just now`
}
