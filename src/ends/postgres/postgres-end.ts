/** One end of a move: where it is and how to reach it. Opens pools, holds no other state. */

import { RehomeError } from '../../errors.ts'
import { placeOf } from '../../place.ts'
import type { SqlEndpoint } from '../../plan/endpoint.ts'
import { createPool } from '../../postgres.ts'
import type { SqlEnd } from '../end.ts'
import type { FlagKey } from '../flags.ts'
import { flagsAt } from './fence/flags-at.ts'

/** Sorting a tenant's rows, and looking for their parents, does not go through files up to here. */
const workMem = '64MB'

export function scoped<T extends FlagKey>({ scope }: Pick<SqlEnd, 'scope'>, key: T): T {
  return scope === undefined ? key : { ...key, scope }
}

export interface OpeningSql extends Pick<SqlEnd, 'scope' | 'searchPath'> {
  readonly environment: NodeJS.ProcessEnv
}

/** Throws SETTING_MISSING where the environment has no such variable. Connects later. */
export function openSqlEnd(
  name: 'source' | 'target',
  end: SqlEndpoint,
  { environment, ...opening }: OpeningSql,
): SqlEnd {
  const { urlFrom = '' } = end
  const url = environment[urlFrom]
  if (!url) {
    throw new RehomeError(
      'SETTING_MISSING',
      `the ${name}'s URL is read from ${urlFrom}, which is not set`,
    )
  }
  return openDatabase(name, end, { ...opening, url })
}

const writersSize = 2
const lifelineSize = 4

/** Connections that a worker may have at a database beside its `poolSize`. */
export const connectionsBeside = writersSize + lifelineSize

/** Connects later. */
export function openDatabase(
  name: 'source' | 'target',
  { schema, poolSize: size, tls }: Pick<SqlEndpoint, 'schema' | 'poolSize' | 'tls'>,
  { url, scope, searchPath }: Omit<OpeningSql, 'environment'> & { readonly url: string },
): SqlEnd {
  const own = typeof schema === 'function' ? { schemaOf: schema } : { schema }
  const pool = createPool({ url, name, size, tls, workMem })
  const writers = createPool({ url, name, size: writersSize, tls, workMem })
  const answerMs = 2_000
  const lifeline = createPool({ url, name: `${name} flags`, size: lifelineSize, tls, answerMs })
  const looks = createPool({ url, name: `${name} looks`, size: 1, tls, answerMs })
  const flags = flagsAt(lifeline, scope)
  const address = placeOf(url)
  const place = scope === undefined ? address : `${address} (${scope})`
  const where = { address, place }
  // What the tenants share: the query that lists them reads it.
  const pools = { pool, writers, lifeline, looks }
  return { name, schema: 'public', ...own, searchPath, ...where, ...pools, flags, scope }
}

export async function closeSqlEnd(end: SqlEnd): Promise<void> {
  const { pool, writers, lifeline, looks } = end
  await Promise.all([pool.end(), writers?.end(), lifeline.end(), looks?.end()])
}
