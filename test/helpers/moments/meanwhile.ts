// What a tenant writes while an errand is under way, and when: always the same, at the same calls.
import pg from 'pg'
import type { CallPoint } from './call-points.ts'

const snapshot =
  /^after (copy|verify|undo_compare|audit) \w+ .* (pg_export_snapshot|POST v1\/feed\/position)/
const beforeFence = ['before fence source flags 1', 'before undo_fence target flags 1']

/** While it is copied, while everything is compared, and just before the fence. */
export function isTimeToWrite({ place, name }: CallPoint): boolean {
  return snapshot.test(place) || beforeFence.includes(name)
}

/** The statements of one transaction: rows change, go, and come with rows that refer to them. */
export function writesOf(tenant: string): string[] {
  return [
    `update notes set body = body || '!' where tenant_id = $`,
    `delete from notes where id = (select min(id) from notes where tenant_id = $)`,
    `insert into notes (tenant_id, body) values ($, 'between'), ($, 'two calls')`,
    `insert into note_lines select max(id), 1, 'new' from notes where tenant_id = $`,
  ].map((statement) => statement.replaceAll('$', pg.escapeLiteral(tenant)))
}
