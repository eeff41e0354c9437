/** Many small tenants: 100 rows each, in three tables. */
import { planOf, schemaOf } from '../calls/plan.ts'

export const plan = { ...planOf(3, 'offline'), name: 'fleet', concurrency: 4 }

export const tables = ['tenants', 'items_1', 'items_2'] as const

/** Keys are drawn by the source alone, so that no tenant collides at the target. */
export const schema = schemaOf(3)

/** `$1`: tenants. */
export const seedStatements = [
  `insert into tenants select id, 'Tenant ' || id from unnest($1::text[]) id`,
  `insert into items_1 (tenant_id, body, at)
    select id, 'text ' || g, now() from unnest($1::text[]) id, generate_series(1, 50) g`,
  `insert into items_2 (tenant_id, body, at)
    select id, 'text ' || g, now() from unnest($1::text[]) id, generate_series(1, 49) g`,
]
