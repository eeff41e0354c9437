/** Limits of references that no foreign key keeps. Pure. */
import type { Finding } from '../plan/catalogs/catalog.ts'
import type { Route } from '../plan/routing/route.ts'
import type { Routing } from '../plan/routing/routes.ts'
import { adoptingTables } from './adopted-rows.ts'

export function referenceFindings(routing: Routing): Finding[] {
  return [...routing.routes.flatMap(conditionFindings), ...unknownKeys(routing)]
}

/** A condition that the target takes over, over a column that means something else there. */
function conditionFindings({ plan, stream }: Route): Finding[] {
  if (stream || plan.targetThrough || plan.targetTenant) return []
  const { drop, rename, compute } = plan.columns
  const others = [...drop, ...Object.entries(rename).flat(), ...Object.keys(compute)]
  return (plan.through ?? []).flatMap(({ when }) => {
    const names = when?.sql.replaceAll(/'[^']*'/g, '').match(/[\w$]+/g) ?? []
    const other = names.find((name) => others.includes(name))
    if (other === undefined) return []
    const message = `a condition of \`through\` reads column "${other}", which \`columns\` changes: say by what rows belong at the target (\`targetThrough\`)`
    return [{ where: `table "${plan.name}"`, message }]
  })
}

function unknownKeys(routing: Routing): Finding[] {
  return adoptingTables(routing)
    .filter(({ parent }) => parent === null)
    .map(({ child, path }) => {
      const message = `refers to "${path.parent}" without a foreign key, and the keys of its rows are made by a transform or \`newIds\`: whether rows at the target refer to them already is unknown. Declare the key there, or keep the keys`
      return { where: `target table "${child.table.name}"`, message }
    })
}
