/**
 * Those whom nothing concerns: whether any row of theirs was touched, even to be written as it was.
 */
import type pg from 'pg'
import { type Ends, endNames } from '../tenants.ts'

/** `end table row` → where the row lies, which transaction made it, and what it says. */
export type Bystanders = ReadonlyMap<string, string>

const rows: Readonly<Record<string, string>> = {
  tenants: `select 'tenants ' || id as key, ctid, xmin, t::text as says from tenants t
    where bystander`,
  entries: `select 'entries ' || id, ctid, xmin, e::text from entries e
    where tenant_id like 'bystander-%'`,
  entry_tags: `select 'entry_tags ' || g.entry_id || g.tag, g.ctid, g.xmin, g::text
    from entry_tags g join entries e on e.id = g.entry_id where e.tenant_id like 'bystander-%'`,
  counters: `select 'counters ' || tenant_id || name, ctid, xmin, c::text from counters c
    where tenant_id like 'bystander-%'`,
  visits: `select 'visits ' || id, ctid, xmin, v::text from visits v
    where tenant_id like 'bystander-%'`,
}

export async function readBystanders(pools: Ends<pg.Pool>): Promise<Bystanders> {
  const found = new Map<string, string>()
  for (const end of endNames) {
    for (const query of Object.values(rows)) {
      const result = await pools[end].query({ text: query, rowMode: 'array' })
      for (const [key, ctid, xmin, says] of result.rows) {
        found.set(`${end} ${key}`, `${ctid} ${xmin} ${says}`)
      }
    }
  }
  return found
}

/** Rows that are gone, new or written anew. */
export function touchedSince(before: Bystanders, after: Bystanders): string[] {
  const keys = new Set([...before.keys(), ...after.keys()])
  return [...keys].filter((key) => before.get(key) !== after.get(key))
}
