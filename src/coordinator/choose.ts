/** Choosing some tenants of many: by a share that is stable, and by a number. Pure. */
import { createHash } from 'node:crypto'
import { RehomeError } from '../errors.ts'

export interface Choice {
  /**
   * Above 0, up to 100. By a hash of the tenant's id alone: the tenants of 5 % contain those of
   * 1 %, whatever else is listed.
   */
  readonly percent?: number | undefined
  /** A condition on facts about the tenant: `plan = free and rows < 10000`. */
  readonly where?: string | undefined
  /** The first ones, after all others were passed over. */
  readonly limit?: number | undefined
}

/** The position of a tenant among all possible ones, in percent: 0 up to, but without, 100. */
export function percentileOf(tenant: string): number {
  const first = createHash('sha256').update(tenant).digest().readUIntBE(0, 6)
  return (100 * first) / 2 ** 48
}

/** Throws USAGE for a share or a number that chooses nothing by itself. */
export function refuseBadChoice({ percent, limit }: Choice): void {
  if (percent !== undefined && !(percent > 0 && percent <= 100)) {
    throw new RehomeError('USAGE', `${percent} % is no share: write more than 0 and up to 100`)
  }
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw new RehomeError('USAGE', `a limit of ${limit} tenants is too small: the minimum is 1`)
  }
}

/** Those of the share. Throws TENANT_UNKNOWN where it is too small for any of them. */
export function withinShare<T>(
  all: readonly T[],
  { percent }: Choice,
  tenantOf: (one: T) => string,
): T[] {
  if (percent === undefined) return [...all]
  const chosen = all.filter((one) => percentileOf(tenantOf(one)) < percent)
  if (chosen.length > 0 || all.length === 0) return chosen
  const least = Math.min(...all.map((one) => percentileOf(tenantOf(one))))
  const enough = Math.min(100, (Math.floor(least * 100) + 1) / 100)
  const message = `by their hashes none of ${all.length} tenants is among the first ${percent} %: choose --percent ${enough} or more, or --limit 1`
  throw new RehomeError('TENANT_UNKNOWN', message)
}
