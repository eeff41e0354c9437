/** Privileges of our role, and tables that no guard can keep. */
import type { CatalogTable, Finding } from '../../plan/catalogs/catalog.ts'
import type { Checked } from '../check.ts'

type EndName = 'source' | 'target'

export function privilegeFindings({ routing: { sources, targets } }: Checked): Finding[] {
  return [
    ...sources.flatMap(({ table }) => findingsOf('source', table, ['SELECT'])),
    ...targets.flatMap(({ table }) => findingsOf('target', table, ['SELECT', 'INSERT', 'DELETE'])),
  ]
}

function findingsOf(end: EndName, table: CatalogTable, needed: readonly string[]): Finding[] {
  const where = `${end} table "${table.name}"`
  const findings = privilegesMissing(end, table, needed)
  if (table.rowSecurity) {
    const message =
      "row security would hide rows from our role or the guards' owner: BYPASSRLS them"
    findings.push({ where, message })
  }
  if (table.unguardable.length > 0) {
    const others = table.unguardable.join(', ')
    const message = `shares rows with ${others}, which no guard covers: only partitions in its schema are`
    findings.push({ where, message })
  }
  if (table.subscribed) {
    findings.push({ where, message: 'a subscription writes here, past every statement trigger' })
  }
  return findings
}

export function privilegesMissing(
  end: EndName,
  table: CatalogTable,
  needed: readonly string[],
): Finding[] {
  return needed
    .filter((privilege) => !table.privileges.includes(privilege))
    .map((privilege) => ({
      where: `${end} table "${table.name}"`,
      message: `our role has no ${privilege} privilege`,
    }))
}
