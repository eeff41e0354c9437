/**
 * `fence`: what the guards cost those who are not being moved. The same schema twice, with the
 * product's own guards and without; no tenant is fenced.
 */
import type { Bench } from './bench.ts'
import { measureBulk } from './fence/bulk.ts'
import { measureHotTenant } from './fence/hot-tenant.ts'
import { measureManyTenants } from './fence/many-tenants.ts'
import { measureSingleRow } from './fence/single-row.ts'
import { buildWorld } from './fence/world.ts'

export const fence: Bench = {
  name: 'fence',
  summary: 'writes with the guards installed against the same writes without them',
  async run(stage) {
    stage.tell('making two databases of the same schema, one of them fenced')
    await using world = await buildWorld(stage.server)
    return [
      ...(await measureSingleRow(stage, world)),
      ...(await measureBulk(stage, world)),
      ...(await measureHotTenant(stage, world)),
      ...(await measureManyTenants(stage, world)),
    ]
  },
}
