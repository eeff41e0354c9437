/** Row security, and tables that inherit columns. */
import type { Piece } from '../cases/case.ts'
import type { Drawing } from './draft.ts'
import { name, weighted } from './draw.ts'

type Extra = 'none' | 'security' | 'forced' | 'heir'

export function drawExtras({ random, drafts, schema }: Drawing): Piece[] {
  return drafts.flatMap(({ table }): Piece[] => {
    if (table.outside || table.shared) return []
    const kind = weighted<Extra>(random, {
      ...{ none: 30, security: 0.8, forced: 0.4, heir: table.partitioned ? 0 : 0.3 },
    })
    if (kind === 'none') return []
    const at = `${name(schema)}.${name(table.name)}`
    const sql = kind === 'heir' ? heirSql(at, schema, table.name) : securitySql(at, kind)
    return [{ name: `${table.name} ${kind}`, of: table.name, source: sql, target: sql }]
  })
}

/** Names of the pieces that give the table row security. */
export function secures(table: string): string[] {
  return [`${table} security`, `${table} forced`]
}

/** The application sees all rows; a role that the policy does not name sees none. */
function securitySql(at: string, kind: 'security' | 'forced'): string {
  const forced = kind === 'forced' ? `;\nalter table ${at} force row level security` : ''
  return `alter table ${at} enable row level security;
create policy "of the application" on ${at} to application using (true) with check (true)${forced}`
}

/** Its rows are read with those of the table, and no guard of that one sees them written. */
function heirSql(at: string, schema: string, table: string): string {
  return `create table ${name(schema)}.${name(`${table} heir`)} (more int) inherits (${at})`
}
