/** All checks of a plan against the catalogues of its two ends, in the order of their findings. */
import type { Finding } from '../plan/catalogs/catalog.ts'
import type { Plan } from '../plan/plan.ts'
import type { Routing } from '../plan/routing/routes.ts'
import { backFindings, onlineFindings } from './catalogs/followed-rows.ts'
import { privilegeFindings } from './catalogs/privileges.ts'
import { scopeFindings } from './catalogs/scopes.ts'
import { cycleFindings, settingFindings } from './catalogs/servers.ts'
import type { Check, Checked } from './check.ts'
import { firingAtEnds } from './firing.ts'
import { httpFindings } from './http-findings.ts'
import { modelFindings } from './model-findings.ts'
import { moneyFindings } from './money-findings.ts'
import { referenceFindings } from './reference-findings.ts'
import { sharedTableFindings } from './shared-findings.ts'

const checks: readonly Check[] = [
  scopeFindings,
  settingFindings,
  privilegeFindings,
  httpFindings,
  sharedTableFindings,
  modelFindings,
  referenceFindings,
  moneyFindings,
  firingAtEnds,
  onlineFindings,
  backFindings,
  cycleFindings,
]

export function serverFindings(
  plan: Plan,
  routing: Routing,
  { source, target }: Pick<Checked, 'source' | 'target'>,
): Finding[] {
  return checks.flatMap((check) => check({ plan, routing, source, target }))
}
