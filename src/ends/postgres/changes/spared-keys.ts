import { ident, qualified } from '../../../quote.ts'
import { keyReader } from '../../../transform/key-reader.ts'
import type { Texts } from '../../tenant-rows.ts'
import { selectColumns } from '../copy/copy-table.ts'
import { enterPlan, holdPlanSql, rowPath } from '../search-path.ts'
import { tenantPredicate } from '../tenant-of-rows.ts'
import { arrayOfTexts, textBatches } from '../text-batches.ts'
import { type Bringing, changedAtTarget, ofBrought } from './brought-keys.ts'
import type { ChangedTable, Changes } from './changes.ts'

/**
 * Rows there that the plan had left behind belong to no row of the other end: their keys go again.
 * If other rows have taken such a key since, the row that comes will collide with them.
 */
export async function spareLeftBehind(
  { target, there, context }: Pick<Bringing, 'target' | 'there' | 'context'>,
  changes: Changes,
  { table, schema }: { table: ChangedTable; schema: string },
): Promise<void> {
  const { route } = table
  const { backOf, targetKey } = route
  if (!backOf?.transform) return
  const ours = tenantPredicate(route.targetPath, { schema, alias: 'r', tenant: changes.key.tenant })
  const columns = backOf.columns.length
  const key = targetKey.map((name) => `r.${ident(name)}::text`).join(', ')
  const query = `select ${selectColumns(backOf)}, ${key}
    from ${qualified(schema, route.target.name)} r where ${ours} and ${changedAtTarget(changes, table)}`
  const read = keyReader(backOf, backOf.targetKey, context)
  const left: Texts[] = []
  const holdsPlanSql = holdPlanSql(backOf.columns)
  if (holdsPlanSql) await target.query(enterPlan(there))
  for await (const rows of textBatches(target, query, { size: 5000 })) {
    for (const texts of rows) {
      const [fields, own] = [texts.slice(0, columns), texts.slice(columns)]
      if (read(fields) === null) left.push(own)
    }
  }
  if (holdsPlanSql) await target.query(`set local search_path = ${rowPath(there)}`)
  if (left.length === 0) return
  const arrays = targetKey.map((_, i) => `unnest($${i + 1}::text[]) as c${i}`).join(', ')
  const spared = `delete from rehome.changed_keys k using (select ${arrays}) v
    where ${ofBrought(changes.key, { route, kind: 'row' })}
      and k.key = array[${targetKey.map((_, i) => `v.c${i}`).join(', ')}]`
  await target.query(
    spared,
    targetKey.map((_, i) => arrayOfTexts(left, i)),
  )
}
