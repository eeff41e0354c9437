/**
 * The largest tenant moves while it writes, writes at its new home, and comes back with all of
 * that.
 */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Rehome, RunSnapshot } from '../src/index.ts'
import type { Write } from './application/ledger.ts'
import type { Traffic } from './application/traffic.ts'
import onlinePlan from './online-plan.ts'
import type { Check } from './outcome.ts'
import { tell, visible } from './screen.ts'

type Moves = RunSnapshot['moves']

export interface Largest {
  readonly rehome: Rehome
  readonly sourceUrl: string
  readonly traffic: Traffic
  readonly tenant: string
  /** Resolves once nothing of the run is open. */
  readonly settled: (rehome: Rehome, runId: string) => Promise<Moves>
}

const writesWanted = 25
const patienceMs = 60_000

export async function moveLargest(at: Largest): Promise<Check[]> {
  const { rehome, tenant, settled } = at
  const name = visible(tenant)
  tell(`moving ${name}, the largest, online: it goes on writing`)
  const { runId } = await rehome.enqueue(onlinePlan, { tenants: [tenant] })
  const [moved] = await settled(rehome, runId ?? '')
  const pauseMs = Math.round(Number(moved?.evidence.pauseMs ?? 0))
  tell(`${name}: ${moved?.phase}, with a pause of ${pauseMs} ms; waiting for it to write`)
  const home = await writesAtHome(at)
  tell(`${name} has made ${home.length} writes at its new home; rolling it back with them`)
  await rehome.rollback(runId ?? '', { tenants: [tenant] })
  const [back] = await settled(rehome, runId ?? '')
  const backMs = Math.round(Number(back?.evidence.rollbackPauseMs ?? 0))
  const missing = await missingAtSource(at, home)
  tell(
    `${name}: ${back?.phase}, with a pause of ${backMs} ms; ${home.length - missing} of those writes are at the source`,
  )
  return [
    { what: `${name} moved online`, held: moved?.phase === 'moved' },
    { what: 'it wrote at its new home', held: home.length >= writesWanted },
    { what: 'it came back', held: back?.phase === 'rolled_back' && back.error_code === null },
    { what: 'with all that it had written there', held: missing === 0 },
  ]
}

/** Comments and tasks that stay, acknowledged by the target. */
async function writesAtHome({ traffic, tenant }: Largest): Promise<Write[]> {
  const until = performance.now() + patienceMs
  for (;;) {
    const writes = traffic.ledger.writes().filter((write) => write.tenant === tenant)
    const found = writes.filter(({ end, outcome, kind }) => {
      return end === 'target' && outcome === 'acknowledged' && kind !== 'erase'
    })
    if (found.length >= writesWanted || performance.now() > until) return found
    await delay(200)
  }
}

/** Counts missing rows of edits in the activity. Writes that were erased since are not missing. */
async function missingAtSource(
  { sourceUrl, traffic }: Largest,
  writes: readonly Write[],
): Promise<number> {
  const client = new pg.Client({ connectionString: sourceUrl })
  await client.connect()
  try {
    const query = `select request_id::text as id from comments where request_id = any ($1)
      union select request_id::text from tasks where request_id = any ($1)
      union select request_id::text from activity where request_id = any ($1)`
    const { rows } = await client.query(query, [writes.map(({ id }) => id)])
    const there = new Set(rows.map((row: { id: string }) => row.id))
    const erased = new Set(traffic.ledger.writes().map(({ erases }) => erases?.id))
    return writes.filter(({ id }) => !there.has(id) && !erased.has(id)).length
  } finally {
    await client.end()
  }
}
