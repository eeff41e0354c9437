/**
 * Faults of the schema and of tenants: whom they hit, and for how long somebody may wait for them.
 */
import type { EndName } from '../../demo/application/ledger.ts'
import { leaseMs } from '../plan.ts'
import { tenants } from '../tenants.ts'
import type { Victims } from './faults.ts'
import { anyOpenMove } from './harm-jobs.ts'
import type { SchemaHarm } from './harm-schema.ts'
import type { TenantHarm } from './harm-writers.ts'
import type { Fault } from './schedule.ts'

type Lasting = () => Promise<void>

/** Returns what was changed. Writers of a table wait while its lock is waited for, and held. */
export async function inflictOnSchema(
  { pools, random, outages, log }: Victims,
  { fault, harm }: { fault: Fault; harm: (of: SchemaHarm) => Promise<string> },
  lasting: Lasting,
): Promise<string> {
  const locking = (end: EndName) => outages.begin(`tables ${end}`)
  const changed = await harm({ pools, random, lasting, locking })
  log.note('fault', `${fault.kind}: ${changed}`)
  return changed
}

/** Holds a tenant that moves, where one does. null: nothing of it was to be held. */
export async function inflictOnTenant(
  { pools, random, outages, rehome, log }: Victims,
  { fault, harm }: { fault: Fault; harm: (of: TenantHarm) => Promise<boolean> },
  last: Lasting,
): Promise<string | null> {
  const move = await anyOpenMove(rehome, random)
  const tenant = move?.tenant_id ?? random.pick(tenants)
  let isBack = () => {}
  const lasting = async () => {
    log.note('fault', `${fault.kind} for ${fault.forMs} ms`, tenant)
    isBack = outages.begin(`tenant ${tenant}`)
    await last()
  }
  const of = { pools, tenant, tryMs: leaseMs + fault.forMs, lasting }
  return (await harm(of).finally(() => isBack())) ? tenant : null
}
