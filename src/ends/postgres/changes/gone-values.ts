/**
 * Values by which rows anywhere referred to rows that a round removes, by other columns than those
 * of the key. They stay in the database, however many and large they are, until the round has
 * brought all rows: only then is it known which rows refer to nothing.
 */
import { ident, qualified } from '../../../quote.ts'
import { type Bringing, insertKeys, ofBrought } from './brought-keys.ts'
import type { ChangedTable, Changes } from './changes.ts'

export interface Going {
  readonly table: ChangedTable
  readonly schema: string
  readonly columns: readonly string[]
  /** A condition on the rows `r` that are about to go. */
  readonly where: string
}

/** In the transaction that removes the rows, before it does. */
export async function noteGone(
  { target }: Pick<Bringing, 'target'>,
  { key: { scope, tenant } }: Changes,
  { table: { route }, schema, columns, where }: Going,
): Promise<void> {
  const values = columns.map((name) => `r.${ident(name)}::text`).join(', ')
  const query = `${insertKeys} select $1, $2, $3, 'gone', n.key, md5(n.key::text)
    from (select array[${values}] as key
      from ${qualified(schema, route.target.name)} r where ${where}) n on conflict do nothing`
  await target.query(query, [scope, tenant, route.target.name])
}

/** The noted values as `v0`, `v1`, …: to stand behind `from`. */
export function goneValues(
  { key }: Changes,
  { route }: ChangedTable,
  columns: readonly string[],
): string {
  const values = columns.map((_, i) => `k.key[${i + 1}] as v${i}`).join(', ')
  return `(select ${values} from rehome.changed_keys k
    where ${ofBrought(key, { route, kind: 'gone' })})`
}
