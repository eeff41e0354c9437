// The databases of the chaos without the chaos: no tenant moves, nothing fails, and each write is
// one that a test asks for. What a test needs to plant damage and see it found.

import { readBystanders } from '../../chaos/checks/bystanders.ts'
import { checkAll } from '../../chaos/checks/check.ts'
import type { Finding } from '../../chaos/checks/findings.ts'
import { Outages } from '../../chaos/faults/outages.ts'
import { plansOf } from '../../chaos/plan.ts'
import { environmentOf } from '../../chaos/servers.ts'
import { fillEnds, tenants } from '../../chaos/tenants.ts'
import { type Kind, Ledger, type NewWrite, type Write } from '../../chaos/writers/ledger.ts'
import { perform } from '../../chaos/writers/perform.ts'
import { readSeed } from '../../chaos/writers/seed.ts'
import { Waits } from '../../chaos/writers/waits.ts'
import type { EndName } from '../../demo/application/ledger.ts'
import { tryTransaction } from '../../demo/application/transact.ts'
import { install } from '../../src/coordinator/installation.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { createDatabase, type TestDatabase } from '../helpers/database.ts'

export interface QuietWorld extends AsyncDisposable {
  readonly source: TestDatabase
  readonly target: TestDatabase
  readonly control: TestDatabase
  readonly ledger: Ledger
  /** An ordinary write, acknowledged; of one row unless told otherwise. */
  write(tenant: string, kind: Kind, changes?: Partial<NewWrite> & { end?: EndName }): Promise<Write>
  check(): Promise<readonly Finding[]>
}

export async function quietWorld(): Promise<QuietWorld> {
  const [source, target, control] = await Promise.all([
    createDatabase(),
    createDatabase(),
    createDatabase(),
  ])
  const urls = { source: source.url, target: target.url, control: control.url }
  await fillEnds(urls)
  const at = { controlUrl: control.url, redisUrl: undefined, environment: environmentOf(urls) }
  const plans = plansOf('mixed')
  await install(at, [...plans.source, ...plans.target].map(checkPlan))
  const pools = { source: source.pool, target: target.pool, control: control.pool }
  const before = {
    seed: await readSeed(source.pool, tenants),
    bystanders: await readBystanders(pools),
  }
  const ledger = new Ledger()
  const dispose = async () => {
    await Promise.all([source.drop(), target.drop(), control.drop()])
  }
  return {
    source,
    target,
    control,
    ledger,
    async write(tenant, kind, { end = 'source', ...changes } = {}) {
      const plain = { style: 'plain', isolation: 'read committed', parts: 1 } as const
      const write = ledger.begin({
        tenant,
        kind,
        counter: null,
        erases: null,
        ...plain,
        ...changes,
      })
      Object.assign(write, { end, startedMs: performance.now() })
      const verdict = await tryTransaction(pools[end], {
        isolation: write.isolation,
        work: (client) => perform(client, write, async () => {}),
      })
      if (verdict.kind !== 'acknowledged') throw new Error(JSON.stringify(verdict))
      write.endedMs = performance.now()
      ledger.acknowledge(write)
      return write
    },
    async check() {
      const nobody = { pauses: [], waits: new Waits(), outages: new Outages(), workers: [] }
      const lenient = new Set<string>()
      const { findings } = await checkAll({ pools, tenants, lenient, ledger, before, ...nobody })
      return findings
    },
    [Symbol.asyncDispose]: dispose,
  }
}
