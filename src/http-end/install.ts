/** Installs what the fence needs at this end: its schema, and the guards of its tables. */
import { conditionFindings } from '../ends/postgres/catalog/way-findings.ts'
import { installWorking } from '../ends/postgres/fence/install-guard.ts'
import { migrate } from '../migrations.ts'
import type { Pool } from '../postgres.ts'
import { type Described, descriptionOf, refuseFound, tablesOf } from './described.ts'

/** Returns what was missing. */
export async function installAt(pool: Pool, look: () => Promise<Described>): Promise<string[]> {
  const migrated = await migrate(pool, 'endpoint')
  const described = await look()
  descriptionOf(described)
  await refuseUnsteady(pool, described)
  for (const guard of described.guards) await installWorking(pool, guard, 'this end:')
  return [...migrated, ...described.guards.map(({ relation }) => `the guard of "${relation}"`)]
}

/** Before a guard asks such a condition. Throws PREFLIGHT_FAILED. */
async function refuseUnsteady(pool: Pool, { catalog, routes }: Described): Promise<void> {
  const { schema } = catalog
  const tables = tablesOf(routes)
  refuseFound(await conditionFindings({ pool, schema }, tables, (name) => `table "${name}"`))
}
