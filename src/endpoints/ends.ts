/** The ends of a move, of whichever kind. */
import type { Endpoint } from '../plan/plan.ts'
import { type HttpEnd, openHttpEnd } from './http/end.ts'
import type { Rows } from './rows.ts'
import { closeSqlEnd, openSqlEnd, type SqlEnd } from './sql/end.ts'
import { rowsAt } from './sql/rows.ts'

export type End = SqlEnd | HttpEnd

/** Throws SETTING_MISSING where the environment lacks a variable. Connects later. */
export function openEnd(
  name: 'source' | 'target',
  end: Endpoint,
  environment: NodeJS.ProcessEnv = process.env,
): End {
  return end.kind === 'sql'
    ? openSqlEnd(name, end, environment)
    : openHttpEnd(name, end, environment)
}

export async function closeEnd(end: End): Promise<void> {
  if (end.kind === 'sql') await closeSqlEnd(end)
  else end.close()
}

export function rowsOf(end: End): Rows {
  return end.kind === 'sql' ? rowsAt(end) : end.rows
}
