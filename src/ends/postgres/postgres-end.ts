/** One end of a move: where it is and how to reach it. Opens pools, holds no other state. */

import { RehomeError } from '../../errors.ts'
import { placeOf } from '../../place.ts'
import type { SqlEndpoint } from '../../plan/endpoint.ts'
import { createPool, type Pool } from '../../postgres.ts'
import type { FlagKey, Flags } from '../flags.ts'
import { flagsAt } from './fence/flags-at.ts'

export interface SqlEnd {
  readonly kind: 'sql'
  readonly name: 'source' | 'target'
  readonly schema: string
  /** Where functions of the application find what they name; see search-path.ts. */
  readonly searchPath?: readonly string[] | undefined
  /** `host:port/database`, without user or password. */
  readonly address: string
  /** The place, with the data model where it has both. */
  readonly place: string
  readonly pool: Pool
  /** The pool's sessions are in a transaction already; of a snapshot all see the same. */
  readonly within?: 'snapshot' | 'transaction'
  /**
   * For flags, and for what keeps fences: never kept waiting by copies that hold every other
   * connection, nor for longer than 2 s by an end that says nothing.
   */
  readonly lifeline: Pool
  /** The name of the plan's scope here, if it is another. */
  readonly scope?: string | undefined
  /** Flags, over the lifeline's connections. */
  readonly flags: Flags
}

/** Sorting a tenant's rows, and looking for their parents, does not go through files up to here. */
const workMem = '64MB'

export function scoped<T extends FlagKey>({ scope }: Pick<SqlEnd, 'scope'>, key: T): T {
  return scope === undefined ? key : { ...key, scope }
}

interface OpeningSql extends Pick<SqlEnd, 'scope' | 'searchPath'> {
  readonly environment: NodeJS.ProcessEnv
}

/** Throws SETTING_MISSING where the environment has no such variable. Connects later. */
export function openSqlEnd(
  name: 'source' | 'target',
  end: SqlEndpoint,
  { environment, scope, searchPath }: OpeningSql,
): SqlEnd {
  const url = environment[end.urlFrom]
  if (!url) {
    throw new RehomeError(
      'SETTING_MISSING',
      `the ${name}'s URL is read from ${end.urlFrom}, which is not set`,
    )
  }
  const { schema, poolSize: size, tls } = end
  const pool = createPool({ url, name, size, tls, workMem })
  const answerMs = 2_000
  const lifeline = createPool({ url, name: `${name} flags`, size: 4, tls, answerMs })
  const flags = flagsAt(lifeline, scope)
  const address = placeOf(url)
  const place = scope === undefined ? address : `${address} (${scope})`
  const where = { address, place }
  return { kind: 'sql', name, schema, searchPath, ...where, pool, lifeline, flags, scope }
}

export async function closeSqlEnd(end: SqlEnd): Promise<void> {
  await Promise.all([end.pool.end(), end.lifeline.end()])
}
