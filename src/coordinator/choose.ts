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

/** Throws TENANT_UNKNOWN where a share is too small for any of so many tenants. */
export function refuseEmptyShare(
  { percent }: Choice,
  { all, chosen, least }: { all: number; chosen: number; least: number | null },
): void {
  if (percent === undefined || chosen > 0 || least === null) return
  const enough = Math.min(100, (Math.floor(least * 100) + 1) / 100)
  const message = `by their hashes none of ${all} tenants is among the first ${percent} %: choose --percent ${enough} or more, or --limit 1`
  throw new RehomeError('TENANT_UNKNOWN', message)
}
