/** Both models in one database: flags, guards and tables have to be apart. */
import type { Finding } from '../../plan/catalogs/catalog.ts'
import type { Checked } from '../check.ts'

export function scopeFindings({ plan, routing, source, target }: Checked): Finding[] {
  const shared = source.database === target.database
  const apart = plan.scope !== plan.targetScope
  if (!shared) {
    const message =
      'needs both models in one database, but source and target are different databases'
    return apart ? [{ where: '`targetScope`', message }] : []
  }
  const findings: Finding[] = []
  if (!apart) {
    const message =
      "is the source's database: name the target's model with a `targetScope` of its own"
    findings.push({ where: 'target', message })
  }
  if (plan.strategy === 'online' || plan.rollback.windowMs > 0) {
    const message = 'changes are not followed within one database: move offline, without a window'
    findings.push({ where: 'target', message })
  }
  const own = source.schema === target.schema ? routing.sources : []
  for (const { table } of own) {
    if (!routing.targets.some((other) => other.table.name === table.name)) continue
    findings.push({ where: `table "${table.name}"`, message: 'is the same table at both ends' })
  }
  return findings
}
