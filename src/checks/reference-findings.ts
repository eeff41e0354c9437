/** Limits of references: without a foreign key, and those that lead out of a plan. Pure. */
import type { Finding } from '../plan/catalogs/catalog.ts'
import type { Route } from '../plan/routing/route.ts'
import type { Routing } from '../plan/routing/routes.ts'
import { adoptingTables } from './adopted-rows.ts'
import type { Checked } from './check.ts'

export function referenceFindings({ routing }: Pick<Checked, 'routing'>): Finding[] {
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
    const message = `a condition of \`through\` reads column "${other}", which \`columns\` changes: set \`targetThrough\`, by which rows belong at the target`
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

/** Foreign keys of the target whose parents do not come with the tenant. */
export function outsideNotes({ routes, shared, targets }: Routing): Finding[] {
  const come = new Set([
    ...targets.map(({ table }) => table.name),
    ...shared.map(({ target }) => target.name),
  ])
  return routes.flatMap(({ target, columns }) => {
    const isFilled = (name: string) => columns.some((column) => column.name === name)
    const inside = target.foreignKeys
      .filter(({ parent }) => !come.has(parent))
      .map((key) => ({
        ...key,
        of: '',
        instead: `, plan the table, or use \`shared('${key.parent}', …)\``,
      }))
    const outer = target.outerKeys.map((key) => ({ ...key, of: ' of another schema', instead: '' }))
    return [...inside, ...outer]
      .filter((key) => key.columns.some(isFilled))
      .map(({ name, parent, of, instead }) => ({
        where: `target table "${target.name}"`,
        message: `its foreign key "${name}" refers to "${parent}"${of}, which does not move: a tenant with a row that refers to one which is not at the target stays where it is (FOREIGN_KEY_BROKEN). Bring those rows before${instead}`,
      }))
  })
}
