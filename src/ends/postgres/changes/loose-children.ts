/**
 * Rows at the target without a tenant that refer, by a reference which no foreign key keeps, to
 * rows that a round brings: with these they would become the tenant's, and a later round would
 * remove them as such.
 */
import { stepsOf } from '../../../plan/routing/path.ts'
import { ident, qualified } from '../../../quote.ts'
import { hasParentAmong } from '../matching.ts'
import { goesThisWay, tenantJoin, tenantPredicate } from '../tenant-of-rows.ts'
import { type Bringing, broughtParents } from './brought-keys.ts'
import type { ChangedTable, Changes } from './changes.ts'

export interface LooseChild {
  readonly table: ChangedTable
  /** Keys as texts. */
  readonly keys: readonly string[]
}

/** Before rows are replaced, when the keys of their parents are there. */
export async function looseChildren(
  { target }: Pick<Bringing, 'target'>,
  changes: Changes,
  { table, schema }: { readonly table: ChangedTable; readonly schema: string },
): Promise<LooseChild[]> {
  const { targetPath, target: relation } = table.route
  const { joins, tenant } = tenantJoin(targetPath, { schema, alias: 'r' })
  const looks = stepsOf(targetPath)
    .filter((step) => step.undeclared)
    .flatMap((step) => {
      const parents = broughtParents(changes, step)
      if (parents === null) return []
      const among = hasParentAmong(step, (name) => `r.${ident(name)}`, parents)
      return [`${goesThisWay(step, 'r')}${among}`]
    })
  if (looks.length === 0) return []
  const { rows } = await target.query<{ key: string }>(
    `select ${keyText(table)} as key from ${qualified(schema, relation.name)} r${joins}
      where ${tenant} is null and (${looks.join(' or ')})`,
  )
  return rows.length > 0 ? [{ table, keys: rows.map(({ key }) => key) }] : []
}

/** After they were replaced. Returns the keys of rows that have become the tenant's. */
export async function adoptedChildren(
  { target }: Pick<Bringing, 'target'>,
  changes: Changes,
  { schema, loose: { table, keys } }: { readonly schema: string; readonly loose: LooseChild },
): Promise<string[]> {
  const { targetPath, target: relation } = table.route
  const ours = tenantPredicate(targetPath, { schema, alias: 'r', tenant: changes.key.tenant })
  const query = `select ${keyText(table)} as key from ${qualified(schema, relation.name)} r
    where ${keyText(table)} = any ($1) and ${ours}`
  return (await target.query<{ key: string }>(query, [keys])).rows.map(({ key }) => key)
}

function keyText({ route }: ChangedTable): string {
  return `row(${route.targetKey.map((name) => `r.${ident(name)}`).join(', ')})::text collate "C"`
}
