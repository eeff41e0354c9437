/**
 * Holds the ledger of the writers against the rows at each tenant's home.
 *
 * It looks at homes only: rows at the other end are old copies. Invariant: it
 * finds what is certainly wrong; a write with an unknown outcome may be there or not, but wholly.
 */
import type pg from 'pg'
import type { EndName } from '../../demo/application/ledger.ts'
import type { Ends } from '../tenants.ts'
import { type Ledger, rowsOf, type Write } from '../writers/ledger.ts'
import type { Finding } from './findings.ts'

export interface RowsCheck {
  readonly ledger: Ledger
  readonly pools: Ends<pg.Pool>
  readonly homes: ReadonlyMap<string, EndName>
  /** Tenants whose writes may have been given up on purpose. */
  readonly lenient: ReadonlySet<string>
}

interface Row {
  readonly table: string
  readonly tenant: string
  readonly write: string
  readonly part: number
  readonly copies: number
}

const findRows = `
  select 'entries' as "table", tenant_id as tenant, write_id as write, part, count(*)::int as copies
    from entries where write_id is not null and tenant_id = any ($1) group by 2, 3, 4
  union all
  select 'entry_tags', e.tenant_id, e.write_id, e.part, count(*)::int
    from entry_tags g join entries e on e.id = g.entry_id
    where e.write_id is not null and e.tenant_id = any ($1) group by 2, 3, 4
  union all
  select 'visits', tenant_id, write_id, part, count(*)::int
    from visits where write_id is not null and tenant_id = any ($1) group by 2, 3, 4`

export async function checkRows(check: RowsCheck): Promise<Finding[]> {
  const rows = await atHome(check, findRows)
  const counters = await atHome(check, 'select * from counters where tenant_id = any ($1)')
  return [
    ...judgeRows(check, rows as Row[]),
    ...judgeCounters(check, { counters: counters as Counter[], rows: rows as Row[] }),
  ]
}

async function atHome({ pools, homes }: RowsCheck, query: string): Promise<unknown[]> {
  const found: unknown[] = []
  for (const end of ['source', 'target'] as const) {
    const here = [...homes].filter(([, home]) => home === end).map(([tenant]) => tenant)
    found.push(...(await pools[end].query(query, [here])).rows)
  }
  return found
}

const keyOf = (table: string, write: string, part: number) => `${table} ${write} ${part}`

function judgeRows({ ledger, homes, lenient }: RowsCheck, rows: readonly Row[]): Finding[] {
  const found = new Set(rows.map(({ table, write, part }) => keyOf(table, write, part)))
  const erased = erasuresOf(ledger)
  const findings: Finding[] = []
  for (const write of ledger.writes()) {
    if (lenient.has(write.tenant) || !homes.has(write.tenant)) continue
    const made = rowsOf(write)
    const there = made.filter(({ table, part }) => found.has(keyOf(table, write.id, part))).length
    const fault = faultOf(write, { all: made.length, there, erased: erased.get(write) })
    if (fault) findings.push({ ...fault, tenant: write.tenant })
  }
  return [...findings, ...rows.flatMap((row) => strayOrTwice(row, ledger))]
}

function faultOf(
  write: Write,
  { all, there, erased }: { all: number; there: number; erased: Write['outcome'] | undefined },
): Pick<Finding, 'kind' | 'text'> | null {
  const what = `${write.kind} ${write.id} (${write.isolation}, ${write.end} end)`
  const text = `${what}: ${there} of ${all} rows are at home`
  if (erased === 'acknowledged') return there > 0 ? { kind: 'resurrected', text } : null
  const isWhole = there === 0 || there === all
  if (erased !== undefined || write.outcome === 'unknown') {
    return isWhole ? null : { kind: 'lost', text: `${text}, and its outcome is unknown` }
  }
  return write.outcome === 'acknowledged' && there < all ? { kind: 'lost', text } : null
}

function erasuresOf(ledger: Ledger): ReadonlyMap<Write, Write['outcome']> {
  const tried = ledger.writes().filter(({ outcome }) => outcome !== 'undone')
  return new Map(tried.flatMap(({ erases, outcome }) => (erases ? [[erases, outcome]] : [])))
}

function strayOrTwice({ table, tenant, write: id, part, copies }: Row, ledger: Ledger): Finding[] {
  const write = ledger.get(id)
  const made = write && rowsOf(write).some((row) => row.table === table && row.part === part)
  const row = `row ${part} of ${write?.kind ?? 'no write'} ${id} in ${table}`
  const isStray = !write || !made || write.tenant !== tenant || write.outcome === 'undone'
  return [
    ...(copies > 1
      ? [{ kind: 'duplicated', tenant, text: `${row}: ${copies} times` } as const]
      : []),
    ...(isStray
      ? [{ kind: 'stray', tenant, text: `${row}: ${write?.outcome ?? 'unheard of'}` } as const]
      : []),
  ]
}

interface Counter {
  readonly tenant_id: string
  readonly name: string
  readonly n: string
}

/** n is how many writes counted up: those acknowledged, and of the unknown ones those there. */
function judgeCounters(
  { ledger, homes, lenient }: RowsCheck,
  { counters, rows }: { counters: readonly Counter[]; rows: readonly Row[] },
): Finding[] {
  const there = new Set(rows.map(({ write }) => write))
  const wanted = new Map<string, { least: number; most: number }>()
  for (const write of ledger.writes()) {
    if (write.kind !== 'count' || write.outcome === 'undone') continue
    const key = `${write.tenant} ${write.counter}`
    const { least, most } = wanted.get(key) ?? { least: 0, most: 0 }
    // Its entry tells whether an unknown one was committed.
    const isSure = write.outcome === 'acknowledged'
    const isPossible = isSure || there.has(write.id)
    wanted.set(key, { least: least + (isSure ? 1 : 0), most: most + (isPossible ? 1 : 0) })
  }
  return counters.flatMap(({ tenant_id: tenant, name, n }) => {
    if (lenient.has(tenant) || !homes.has(tenant)) return []
    const { least, most } = wanted.get(`${tenant} ${name}`) ?? { least: 0, most: 0 }
    if (Number(n) >= least && Number(n) <= most) return []
    const text = `counter "${name}" is ${n}, and ${least} to ${most} writes counted it up`
    return [{ kind: 'miscounted', tenant, text } as const]
  })
}
