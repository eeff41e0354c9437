/**
 * Rows at the target that refer, by a reference which no foreign key keeps, to rows that the move
 * is about to bring: with these they would become the tenant's, and be removed as such.
 */
import type { Reading, Rows } from '../ends/rows.ts'
import type { Texts } from '../ends/tenant-rows.ts'
import { hasNewIds } from '../plan/new-ids.ts'
import { type Step, stepsOf } from '../plan/routing/path.ts'
import type { EndTable, Route } from '../plan/routing/route.ts'
import type { Routing } from '../plan/routing/routes.ts'
import { keysMax } from './colliding-keys.ts'

export interface Adopting {
  readonly child: EndTable
  readonly path: Step
  /** Brings the parents. null: none brings them, or not with keys that are known before. */
  readonly parent: Route | null
  /** The parents' keys, as they are read at the source. */
  readonly columns: Route['columns']
}

/** The tables at the target whose rows come before their parents, or stay without. */
export function adoptingTables({ targets, routes }: Pick<Routing, 'targets' | 'routes'>) {
  const all = targets.flatMap((child) =>
    stepsOf(child.path)
      // A row that others refer to comes with these: it would collide with one that is there.
      .filter((path) => path.undeclared && !path.inverse)
      .map((path) => ({ child, path })),
  )
  return all.map(({ child, path }): Adopting => {
    const route = routes.find(({ target }) => target.name === path.parent)
    const columns = path.parentColumns.flatMap(
      (name) => route?.columns.find((column) => column.name === name) ?? [],
    )
    const isKnown = route && !route.transform && !route.stream && !hasNewIds(route)
    const isRead = columns.length === path.parentColumns.length && !columns.some(({ ids }) => ids)
    const parent = isKnown && isRead ? route : null
    return { child, path, parent, columns }
  })
}

/** Up to `keysMax` of the values that rows at the target have there, as text. */
export async function adoptedRows(
  ends: { source: Rows; target: Rows },
  { child, path, columns }: Adopting,
  reading: Omit<Reading, 'columns'>,
): Promise<string[]> {
  const adopted: string[] = []
  for await (const { rows } of ends.source.pages({ ...reading, columns })) {
    const keys = rows.filter((texts) => fits(child, path, texts))
    const lookup = { table: child.table, key: path.columns, keys, when: path.when }
    if (keys.length > 0) adopted.push(...(await ends.target.existingKeys([lookup])).flat())
    if (adopted.length >= keysMax) break
  }
  return adopted.slice(0, keysMax)
}

const largest: Readonly<Record<string, bigint>> = { int2: 32_767n, int4: 2_147_483_647n }

/** No row refers to a value that its column has no room for, and asking for it would fail. */
function fits({ table }: EndTable, { columns }: Step, texts: Texts): boolean {
  return columns.every((name, i) => {
    const max = largest[table.columns.find((column) => column.name === name)?.typeName ?? '']
    const text = texts[i] ?? null
    return (
      text !== null && (max === undefined || (BigInt(text) <= max && BigInt(text) >= -max - 1n))
    )
  })
}
