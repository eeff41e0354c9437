/** Installs what the fence needs at this end: its schema, and the guards of its tables. */
import { installGuard } from '../ends/postgres/fence/install-guard.ts'
import { migrate } from '../migrations.ts'
import type { Pool } from '../postgres.ts'
import { type Described, descriptionOf } from './described.ts'

/** Returns what was missing. */
export async function installAt(pool: Pool, look: () => Promise<Described>): Promise<string[]> {
  const migrated = await migrate(pool, 'endpoint')
  const described = await look()
  descriptionOf(described)
  for (const { statements } of described.guards) await installGuard(pool, statements)
  return [...migrated, ...described.guards.map(({ relation }) => `the guard of "${relation}"`)]
}
