/**
 * Everything that has to hold when all is over: no faults, no writers, no open move.
 *
 * It writes nothing that stays. Invariant: each finding is certainly somebody's fault.
 */
import type pg from 'pg'
import type { Ends } from '../tenants.ts'
import type { Ledger } from '../writers/ledger.ts'
import { checkSeed, type Seed } from '../writers/seed.ts'
import { type Bystanders, readBystanders, touchedSince } from './bystanders.ts'
import { checkHomeChanges, readCommits, readCutovers, readHomes } from './check-homes.ts'
import { checkPauses, type PausesCheck } from './check-pauses.ts'
import { checkRows } from './check-rows.ts'
import { checkWaits, type WaitsCheck } from './check-waits.ts'
import type { Finding } from './findings.ts'

export interface Before {
  readonly seed: Seed
  readonly bystanders: Bystanders
}

export interface Check extends PausesCheck, WaitsCheck {
  readonly pools: Ends<pg.Pool> & { readonly control: pg.Pool }
  readonly tenants: readonly string[]
  /** Tenants whose writes may have been given up on purpose. */
  readonly lenient: ReadonlySet<string>
  readonly ledger: Ledger
  readonly before: Before
}

export interface Checked {
  readonly findings: readonly Finding[]
  /** The number of cutovers of all tenants, in both directions. */
  readonly cutovers: number
}

export async function checkAll(check: Check): Promise<Checked> {
  const { pools, ledger, lenient, tenants, before } = check
  const { homes, findings } = await readHomes(pools, tenants)
  const cutovers = await readCutovers(pools.control)
  const commits = await readCommits(ledger, pools)
  const touched = touchedSince(before.bystanders, await readBystanders(pools))
  const all: Finding[] = [
    ...findings,
    ...(await checkRows({ ledger, pools, homes, lenient })),
    ...(await checkSeed(before.seed, { pools, homes })),
    ...checkHomeChanges({ ledger, commits, cutovers, homes }),
    ...checkPauses(check),
    ...checkWaits(check),
    ...(await openMoves(pools.control)),
    ...touched.map((row): Finding => ({ kind: 'foreign touched', tenant: null, text: row })),
  ]
  return { findings: all, cutovers: [...cutovers.values()].reduce((sum, n) => sum + n, 0) }
}

/** Audits begin anew all the time: each has to end soon. */
export const isOpen = `open and (errand <> 'audit' or updated_at < now() - interval '20 s')`

async function openMoves(control: pg.Pool): Promise<Finding[]> {
  const query = `select tenant_id, run_id, errand, phase, attempts_used, error_code, error_message
    from rehome_control.moves where ${isOpen}`
  const { rows } = await control.query(query)
  return rows.map((row) => {
    const why = row.error_code ? `, ${row.error_code}: ${row.error_message}` : ''
    const text = `${row.errand} of run ${row.run_id} is open in phase ${row.phase} after ${row.attempts_used} attempts${why}`
    return { kind: 'stuck', tenant: row.tenant_id, text }
  })
}
