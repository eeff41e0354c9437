/** Limits of references that no foreign key keeps. Pure. */
import type { Finding } from '../plan/catalogs/catalog.ts'
import type { Routing } from '../plan/routing/routes.ts'
import { adoptingTables } from './adopted-rows.ts'

export function referenceFindings(routing: Routing): Finding[] {
  return adoptingTables(routing)
    .filter(({ parent }) => parent === null)
    .map(({ child, path }) => {
      const message = `refers to "${path.parent}" without a foreign key, and the keys of its rows are made by a transform or \`newIds\`: whether rows at the target refer to them already is unknown. Declare the key there, or keep the keys`
      return { where: `target table "${child.table.name}"`, message }
    })
}
