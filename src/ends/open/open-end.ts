/** Opens an end of a plan. The only place that asks of which kind it is. */
import { RehomeError } from '../../errors.ts'
import type { Endpoint, SqlEndpoint } from '../../plan/endpoint.ts'
import type { Pool } from '../../postgres.ts'
import { openApiEnd } from '../api/api-end.ts'
import type { PlanEnd } from '../end.ts'
import { openHttpEnd } from '../http/http-end.ts'
import { databaseEnd } from '../postgres/database-end.ts'
import { flagsAt } from '../postgres/fence/flags-at.ts'
import { type OpeningSql, openSqlEnd } from '../postgres/postgres-end.ts'
import { chosenEnds } from './chosen-ends.ts'
import { openTenantDatabases } from './tenant-databases.ts'

export interface Opening {
  readonly environment?: NodeJS.ProcessEnv
  /** The name of the plan's scope there, if it is another. */
  readonly scope?: string | undefined
  /** The plan's search path. */
  readonly searchPath?: readonly string[] | undefined
  /** A pool of the database that keeps flags for ends that have none. */
  readonly flagPool?: Pool | undefined
}

/** Throws SETTING_MISSING where the environment lacks a variable. Connects later. */
export function openEnd(
  name: 'source' | 'target',
  end: Endpoint,
  { environment = process.env, scope, searchPath, flagPool }: Opening = {},
): PlanEnd {
  if (end.kind === 'sql') return openDatabases(name, end, { environment, scope, searchPath })
  if (end.kind === 'http') return openHttpEnd(name, end, environment)
  if (flagPool) {
    return openApiEnd(name, end, { environment, flagsOf: (own) => flagsAt(flagPool, own) })
  }
  const message = `the ${name} has no flags of its own: CONTROL_URL, where they are kept, is not set`
  throw new RehomeError('SETTING_MISSING', message)
}

function openDatabases(name: 'source' | 'target', end: SqlEndpoint, opening: OpeningSql): PlanEnd {
  const { among, url } = end
  if (url) return openTenantDatabases(name, { ...end, url }, opening)
  if (!among) return databaseEnd(openSqlEnd(name, end, opening))
  const opened = Object.entries(among.ends).map(([key, one]) => {
    return [key, openDatabases(name, one, opening)] as const
  })
  return chosenEnds(name, among, new Map(opened))
}
