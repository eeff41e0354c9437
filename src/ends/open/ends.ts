/** The ends of a move, of whichever kind. */
import { RehomeError } from '../../errors.ts'
import type { Endpoint } from '../../plan/endpoint.ts'
import type { Pool } from '../../postgres.ts'
import { type ApiEnd, openApiEnd } from '../api/api-end.ts'
import type { FlagKey } from '../flags.ts'
import { type HttpEnd, openHttpEnd } from '../http/http-end.ts'
import { flagsAt } from '../postgres/fence/flags-at.ts'
import { closeSqlEnd, openSqlEnd, type SqlEnd, scoped } from '../postgres/postgres-end.ts'
import { rowsAt } from '../postgres/postgres-rows.ts'
import type { Rows } from '../rows.ts'

export type End = SqlEnd | HttpEnd | ApiEnd

export interface Ends {
  readonly source: End
  readonly target: End
  /** The pool of the database that keeps flags for ends that have none; closed with them. */
  readonly flagPool?: Pool
}

/** Flags and rows under the scope that the end knows them by. */
export function holdAt<T extends FlagKey>(end: End, key: T): T {
  return end.kind === 'sql' ? scoped(end, key) : key
}

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
): End {
  if (end.kind === 'sql') return openSqlEnd(name, end, { environment, scope, searchPath })
  if (end.kind === 'http') return openHttpEnd(name, end, environment)
  if (flagPool) {
    return openApiEnd(name, end, { environment, flagsOf: (own) => flagsAt(flagPool, own) })
  }
  const message = `the ${name} has no flags of its own: CONTROL_URL, where they are kept, is not set`
  throw new RehomeError('SETTING_MISSING', message)
}

export async function closeEnd(end: End): Promise<void> {
  if (end.kind === 'sql') await closeSqlEnd(end)
  else end.close()
}

export function rowsOf(end: End): Rows {
  return end.kind === 'sql' ? rowsAt(end) : end.rows
}
