/**
 * One home at a time: now, and at every moment since the start.
 *
 * How often a tenant changed its home is proved twice by its acknowledged writes: by the order in
 * which the two servers committed them (all clocks are this machine's), and by the writers' own
 * clock, where one write was begun after another had been acknowledged. More changes than cutovers
 * means that both ends took writes at one time.
 */
import type pg from 'pg'
import { type EndName, homeChanges } from '../../demo/application/ledger.ts'
import { type Ends, endNames } from '../tenants.ts'
import { answersOf } from '../writers/homes.ts'
import type { Ledger, Write } from '../writers/ledger.ts'
import type { Finding } from './findings.ts'

/** Where each tenant can be written; one that cannot at exactly one end is not in it. */
export async function readHomes(
  pools: Ends<pg.Pool>,
  tenants: readonly string[],
): Promise<{ homes: Map<string, EndName>; findings: Finding[] }> {
  const homes = new Map<string, EndName>()
  const findings: Finding[] = []
  for (const tenant of tenants) {
    const answers = await answersOf(pools, tenant)
    const [home, second] = endNames.filter((end) => answers[end] === 'accepts')
    if (home && !second) homes.set(tenant, home)
    else {
      const text = `the source ${answers.source}, the target ${answers.target}`
      findings.push({ kind: 'no home', tenant, text })
    }
  }
  return { homes, findings }
}

/**
 * Tenant → its cutovers in both directions. A move that was cut over is released in the end, so
 * its events tell, also where the worker that cut it over did not live to say so.
 */
export async function readCutovers(control: pg.Pool): Promise<ReadonlyMap<string, number>> {
  const query = `select tenant_id, count(*)::int as cutovers from (
      select distinct m.tenant_id, m.id, e.phase from rehome_control.events e
      join rehome_control.moves m on m.id = e.move_id where e.phase in ('release', 'undo_release')
    ) cut group by 1`
  const { rows } = await control.query<{ tenant_id: string; cutovers: number }>(query)
  return new Map(rows.map((row) => [row.tenant_id, row.cutovers]))
}

/** A write that was acknowledged, and when it was committed by the clock of this machine. */
export interface Committed {
  readonly write: Write
  readonly end: EndName
  /** Microseconds since 1970. */
  readonly at: number
}

/** In the order of their commits; empty where the servers do not keep it. */
export async function readCommits(ledger: Ledger, pools: Ends<pg.Pool>): Promise<Committed[]> {
  const committed: Committed[] = []
  for (const end of endNames) {
    const setting = await pools[end].query('show track_commit_timestamp')
    if (setting.rows[0].track_commit_timestamp !== 'on') return []
    const here = ledger.writes().filter((w) => w.outcome === 'acknowledged' && w.end === end)
    const query = `select (extract(epoch from pg_xact_commit_timestamp(x::xid8::xid)) * 1e6)::bigint
        as at from unnest($1::text[]) with ordinality u (x, place) order by place`
    const { rows } = await pools[end].query<{ at: string }>(query, [here.map(({ xid }) => xid)])
    here.forEach((write, i) => {
      committed.push({ write, end, at: Number(rows[i]?.at) })
    })
  }
  return committed.sort((left, right) => left.at - right.at)
}

export interface Evidence {
  readonly ledger: Ledger
  readonly commits: readonly Committed[]
  readonly cutovers: ReadonlyMap<string, number>
  readonly homes: ReadonlyMap<string, EndName>
}

/** Every tenant began at the source, and is now where `homes` says. */
export function checkHomeChanges({ ledger, commits, cutovers, homes }: Evidence): Finding[] {
  const findings: Finding[] = []
  const known = homeChanges(ledger)
  for (const [tenant, home] of homes) {
    const allowed = cutovers.get(tenant) ?? 0
    const seen = known.get(tenant) ?? 0
    if (seen > allowed) {
      const text = `writes show ${seen} changes of its home, and there were ${allowed} cutovers`
      findings.push({ kind: 'two homes', tenant, text })
    }
    const stays = staysOf(commits.filter(({ write }) => write.tenant === tenant))
    const ends: EndName[] = ['source', ...stays.map((stay) => stay.end), home]
    const changes = ends.filter((end, i) => i > 0 && end !== ends[i - 1]).length
    if (changes > allowed) {
      const text = `its commits change ends ${changes} times, and there were ${allowed} cutovers: ${stays
        .map(
          ({ end, first, last, count }) => `${count} at the ${end} ${clock(first)}–${clock(last)}`,
        )
        .join(', ')}`
      findings.push({ kind: 'two homes', tenant, text })
    }
  }
  return findings
}

interface Stay {
  readonly end: EndName
  readonly first: number
  last: number
  count: number
}

/** Writes in a row at one end. */
function staysOf(commits: readonly Committed[]): Stay[] {
  const stays: Stay[] = []
  for (const { end, at } of commits) {
    const stay = stays.at(-1)
    if (stay?.end === end) {
      stay.last = at
      stay.count += 1
    } else stays.push({ end, first: at, last: at, count: 1 })
  }
  return stays
}

function clock(microseconds: number): string {
  return new Date(microseconds / 1000).toISOString().slice(11, 23)
}
