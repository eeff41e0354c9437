/** The ends of a move, of whichever kind. */
import type { Endpoint } from '../plan/endpoint.ts'
import type { FlagKey } from './flags.ts'
import { type HttpEnd, openHttpEnd } from './http/end.ts'
import type { Rows } from './rows.ts'
import { closeSqlEnd, openSqlEnd, type SqlEnd, scoped } from './sql/end.ts'
import { rowsAt } from './sql/rows.ts'

export type End = SqlEnd | HttpEnd

/** Flags and rows under the scope that the end knows them by. */
export function holdAt<T extends FlagKey>(end: End, key: T): T {
  return end.kind === 'sql' ? scoped(end, key) : key
}

export interface Opening {
  readonly environment?: NodeJS.ProcessEnv
  /** As which the plan's scope is known there, if it is another. */
  readonly scope?: string | undefined
}

/** Throws SETTING_MISSING where the environment lacks a variable. Connects later. */
export function openEnd(
  name: 'source' | 'target',
  end: Endpoint,
  { environment = process.env, scope }: Opening = {},
): End {
  return end.kind === 'sql'
    ? openSqlEnd(name, end, { environment, scope })
    : openHttpEnd(name, end, environment)
}

export async function closeEnd(end: End): Promise<void> {
  if (end.kind === 'sql') await closeSqlEnd(end)
  else end.close()
}

export function rowsOf(end: End): Rows {
  return end.kind === 'sql' ? rowsAt(end) : end.rows
}
