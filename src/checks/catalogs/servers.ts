/** Servers that a move can trust: their version and encoding, and the settings of our sessions. */
import type { Finding } from '../../plan/catalogs/catalog.ts'
import { noPooler } from '../../sessions/pooled.ts'
import type { Checked } from '../check.ts'

export function settingFindings({ source, target }: Checked): Finding[] {
  return [...findingsAt('source', source), ...findingsAt('target', target)]
}

function findingsAt(where: 'source' | 'target', catalog: Checked['source']): Finding[] {
  const { serverVersion, encoding, foreignSettings: settings, enforcement } = catalog
  const findings: Finding[] = []
  if (settings.length > 0) {
    const message = `our session settings do not arrive (${settings.join(', ')}): ${noPooler}`
    findings.push({ where, message })
  }
  if (serverVersion < 130000 && enforcement === undefined) {
    findings.push({ where, message: `PostgreSQL ${serverVersion} is older than 13` })
  }
  if (encoding !== 'UTF8') {
    findings.push({ where, message: `its encoding is ${encoding}; only UTF8 is compared exactly` })
  }
  return findings
}

/** Foreign keys that refer to each other in a circle need rows to be written in any order. */
export function cycleFindings({ routing: { cycle }, target }: Checked): Finding[] {
  if (target.mayReplicate || cycle.length === 0) return []
  const names = cycle.map((name) => `"${name}"`).join(' → ')
  const message = `foreign keys form a circle: grant set on parameter session_replication_role`
  return [{ where: `target ${names}`, message }]
}
