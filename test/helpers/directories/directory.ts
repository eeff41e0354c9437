// An application's directory of tenants, and a router that is called for each home: what the plan's
// `cutover` brings up to date.
import type { CutoverPlan, Moved } from '../../../src/plan/homes/cutover-plan.ts'
import { sql } from '../../../src/plan/sql-text.ts'
import type { World } from '../world.ts'

/** SQL for the databases that have the directory. Its own table is in no plan. */
export const directory = `create table directory (tenant text primary key, shard int not null
  constraint "a shard that exists" check (shard in (0, 1)))`

export const filled = `insert into directory select id, 0 from tenants`

/** An `update` in two databases, and so an `insert` where the row is to come first. */
export const also: NonNullable<CutoverPlan['also']> = (tenant, { end }) => {
  const shard = end === 'target' ? 1 : 0
  return sql`insert into directory values (${tenant}, ${shard})
    on conflict (tenant) do update set shard = excluded.shard`
}

export interface Router {
  readonly calls: readonly Moved[]
  homeOf(tenant: string): string | undefined
  /** The next calls fail. */
  failFor(times: number): void
  readonly onMoved: NonNullable<CutoverPlan['onMoved']>
}

/** Refuses calls that are older than one it had, as docs/plan.md advises. */
export function createRouter(): Router {
  const calls: Moved[] = []
  const latest = new Map<string, Moved>()
  let failing = 0
  return {
    calls,
    homeOf: (tenant) => latest.get(tenant)?.home.end,
    failFor(times) {
      failing = times
    },
    async onMoved(moved) {
      calls.push(moved)
      failing -= 1
      if (failing >= 0) throw new Error('the router is away')
      const before = latest.get(moved.tenant)
      if (!before || before.order <= moved.order) latest.set(moved.tenant, moved)
    },
  }
}

/** The shard of each tenant, by the directory of one end. */
export async function shardsAt(world: World, end: 'source' | 'target') {
  const { rows } = await world[end].pool.query('select tenant, shard from directory order by 1')
  return rows.map(({ tenant, shard }: { tenant: string; shard: number }) => [tenant, shard])
}

/** The transactions that wrote the directory's row and the tenant's flag last. */
export async function writersAt(world: World, end: 'source' | 'target', tenant: string) {
  const query = `select d.xmin as directory, f.xmin as flag, f.mode from directory d
    join rehome.tenant_flags f on f.tenant_id = d.tenant where d.tenant = $1`
  return (await world[end].pool.query(query, [tenant])).rows[0]
}
