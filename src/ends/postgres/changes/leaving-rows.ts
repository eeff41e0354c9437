/**
 * Rows that a round in place removes, where foreign keys stay on. A row goes only when no row that
 * stays refers to it, so no foreign key finds anything to delete, to change or to refuse: removing
 * it removes nothing else, whatever the foreign keys do on a deletion.
 *
 * It is asked twice, as rows that come may free others: before they come, so that these leave them
 * their unique values, and afterwards.
 */
import { RehomeError } from '../../../errors.ts'
import type { CatalogReference } from '../../../plan/catalogs/catalog.ts'
import type { Client } from '../../../postgres.ts'
import { ident, qualified } from '../../../quote.ts'
import { byEquality, isParent } from '../matching.ts'
import { removeRows } from '../removal/remove-rows.ts'
import { isRow, type Noted } from './in-place.ts'

/** In one statement, as these may refer to each other. Returns how many rows went. */
export async function removeFree(target: Client, all: readonly Noted[]): Promise<number> {
  const going = all.filter((noted) => noted.going > 0)
  if (going.length === 0) return 0
  await holdReferred(target, going, all)
  const removals = going.map((noted) => {
    const { table, schema, gone } = noted
    const isFree = `${isRow(noted, 'r', 'g')} and not g.rehome_held`
    const where = `exists (select from ${gone} g where ${isFree})`
    return { schema, table: table.route.target, where, limit: null }
  })
  const removed = await removeRows(target, removals)
  return removed.reduce((total, { rows }) => total + rows, 0)
}

/** Marks rows to which others refer, and those to which marked ones refer, at any height. */
async function holdReferred(
  target: Client,
  going: readonly Noted[],
  all: readonly Noted[],
): Promise<void> {
  for (const { gone } of going) {
    await target.query(`update ${gone} set rehome_held = false where rehome_held`)
  }
  // Children first, so that one pass is enough unless rows refer to others of their own table.
  const statements = going.toReversed().flatMap((noted) => holding(noted, all))
  for (let held = 1; held > 0; ) {
    held = 0
    for (const statement of statements) held += (await target.query(statement)).rowCount ?? 0
  }
}

/** A statement for each key of the database that refers to the table. */
function holding(noted: Noted, all: readonly Noted[]): string[] {
  const { table, schema, gone } = noted
  const { name, references } = table.route.target
  return references
    .filter((key) => !key.undeclared)
    .map((key) => {
      const child = all.find((other) => isTableOf(key, other))
      const goes = child && `select from ${child.gone} h where ${isRow(child, 'c', 'h')}`
      const stays = goes ? ` and not exists (${goes} and not h.rehome_held)` : ''
      const refers = isParent(
        byEquality(key),
        (column) => `r.${ident(column)}`,
        (column) => `c.${ident(column)}`,
      )
      return `update ${gone} g set rehome_held = true
        from ${qualified(schema, name)} r, ${qualified(key.schema, key.relation)} c
        where not g.rehome_held and ${isRow(noted, 'r', 'g')} and ${refers}${stays}`
    })
}

export function isTableOf(key: CatalogReference, { table, schema }: Noted): boolean {
  return key.schema === schema && key.table === table.route.target.name
}

/** Throws FOREIGN_KEY_BROKEN where rows that have gone elsewhere are still referred to. */
export async function refuseStaying(target: Client, noted: Noted): Promise<void> {
  if (noted.going === 0) return
  const { name } = noted.table.route.target
  const query = `select count(*)::int as rows from ${qualified(noted.schema, name)} r
    where exists (select from ${noted.gone} g where ${isRow(noted, 'r', 'g')})`
  const { rows } = (await target.query(query)).rows[0]
  if (rows === 0) return
  const message = `"${name}": rows still refer to ${rows} rows that the tenant has removed: remove or change them, then ask again`
  throw new RehomeError('FOREIGN_KEY_BROKEN', message, { data: { table: name, rows } })
}
