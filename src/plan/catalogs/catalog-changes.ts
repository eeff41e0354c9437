/** Differences between two catalogues of one end, in words. Pure. */
import { isDeepStrictEqual } from 'node:util'
import type { Catalog, CatalogTable } from './catalog.ts'

/** One line a difference; empty where catalogues show none. */
export function catalogChanges(before: Catalog, after: Catalog): string[] {
  const names = new Set([...before.tables.keys(), ...after.tables.keys()])
  return [...names].flatMap((name) => {
    const [old, now] = [before.tables.get(name), after.tables.get(name)]
    if (!old || !now) return [`table "${name}" is ${old ? 'gone' : 'new'}`]
    return tableChanges(old, now).map((change) => `table "${name}": ${change}`)
  })
}

function tableChanges(
  { stamp: _, ...before }: CatalogTable,
  { stamp: __, ...after }: CatalogTable,
): string[] {
  const changes = columnChanges(before, after)
  if (!isDeepStrictEqual(before.triggers, after.triggers)) changes.push('its triggers differ')
  if (changes.length > 0 || isDeepStrictEqual(before, after)) return changes
  return ['its keys, partitions or privileges differ']
}

type Columns = Pick<CatalogTable, 'columns'>

function columnChanges(before: Columns, after: Columns): string[] {
  const names = new Set([...before.columns, ...after.columns].map(({ name }) => name))
  return [...names].flatMap((name) => {
    const [old, now] = [before, after].map(({ columns }) => columns.find((c) => c.name === name))
    if (!old || !now) return [`column "${name}" is ${old ? 'gone' : 'new'}`]
    if (isDeepStrictEqual(old, now)) return []
    const types = old.typeText === now.typeText ? '' : `, ${old.typeText} became ${now.typeText}`
    return [`column "${name}" differs${types}`]
  })
}
