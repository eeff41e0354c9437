/** When a plan's contraction may begin: once no tenant lives at the source or can come back. */
import { survey } from '../../checks/survey.ts'
import type { Control } from '../../control/database.ts'
import { unfinishedMoves } from '../../control/schema/schema-statements.ts'
import { type PlanEnds, sharedEnds } from '../../ends/end.ts'
import type { Plan } from '../../plan/plan.ts'
import { departedFrom } from '../fleet/chosen-tenants.ts'
import { show, tenantsOf } from '../tenants.ts'

/**
 * A sentence; `null`: it may begin, or go on. Once a statement has run, the plan's tenants may be
 * listed no longer; moves that began since, such as those of another run, hold it up all the same.
 */
export async function whyNoContraction(
  control: Control,
  { plan, ends, hasBegun }: { plan: Plan; ends: PlanEnds; hasBegun: boolean },
): Promise<string | null> {
  const { open, inWindow, windowUntil, moved } = await unfinishedMoves(control, plan.name)
  if (open > 0) return `${open} move(s) of plan "${plan.name}" are open: wait for their end`
  if (inWindow > 0) {
    const until = windowUntil?.toISOString()
    return `${inWindow} tenant(s) may be brought back until ${until}: wait, or run \`rehome finalize\``
  }
  if (hasBegun) return null
  if (moved === 0) return `no tenant of plan "${plan.name}" has moved`
  const { here } = await tenantsOf(plan, ends, {
    sources: (await survey(plan, sharedEnds(ends))).sources,
    departed: departedFrom(control, { plan, ends }),
  })
  if (here.length === 0) return null
  const first = show(here[0] ?? '')
  return `${here.length} tenant(s) of the plan live at the source, the first is ${first}: move them`
}
