/**
 * Rows that belong to a tenant by nothing that is in the database, though their marks name one: a
 * case with such rows means nothing, as after something was taken out of it.
 */
import type pg from 'pg'
import type { Case, Table, Way } from './cases/case.ts'
import { literal, name } from './draw/draw.ts'

/** Marks of such rows. */
export async function lostRows(kase: Case, pool: pg.Pool): Promise<string[]> {
  const looks = [
    ...kase.tables.filter(({ ways }) => ways.length > 0).map((one) => lookOf(kase, one)),
    ...kase.tables
      .filter(({ referredBy }) => referredBy.length > 0)
      .map((one) => unreferred(kase, one)),
  ]
  if (looks.length === 0) return []
  // Operators of keys may be in the schema of extensions.
  const path = `set local search_path = ${name(kase.schema)}, extensions, public`
  const client = await pool.connect()
  try {
    await client.query(`begin; ${path}`)
    const { rows } = await client.query<{ mark: string }>(looks.join(' union all '))
    return rows.map(({ mark }) => mark)
  } finally {
    await client.query('rollback')
    client.release()
  }
}

function unreferred({ schema }: Case, { name: table, key, referredBy }: Table): string {
  const at = (own: string) => `${name(schema)}.${name(own)}`
  const refers = referredBy.map(
    (by) =>
      `exists (select from ${at(by.table)} p where p.${name(by.column)} = c.${name(key[0] ?? '')})`,
  )
  return `select ${literal(table)} || ' ' || c.mark as mark from ${at(table)} c
    where c.mark not like '-/%' and not (${refers.join(' or ')})`
}

function lookOf({ schema }: Case, { name: table, ways }: Table): string {
  const at = (own: string) => `${name(schema)}.${name(own)}`
  const leads = (way: Way) => {
    const match = way.columns.map((column, i) => {
      return `c.${name(column)} = p.${name(way.parentColumns[i] ?? '')}`
    })
    const kind = way.kind === null ? '' : ` and c.kind = ${literal(way.kind)}`
    return `exists (select from ${at(way.parent)} p where ${match.join(' and ')}${kind})`
  }
  return `select ${literal(table)} || ' ' || c.mark as mark from ${at(table)} c
    where c.mark not like '-/%' and not (${ways.map(leads).join(' or ')})`
}
