/**
 * Holds the ledger against the two databases: is every acknowledged write at its tenant's home,
 * once?
 *
 * To be called after `stop`. It looks at each tenant's home only: what the other end still keeps of
 * a tenant that has moved is not checked. Invariant: it reports what is certainly wrong; a write
 * with an unknown outcome may be there or not.
 */
import { type Homes, type Pools, readHomes } from './application/home.ts'
import { type EndName, homeChanges, type Ledger, type Write } from './application/ledger.ts'
import { createAppPool } from './application/transact.ts'
import { rowsOf } from './application/writes.ts'

export interface Ends {
  readonly sourceUrl: string
  readonly targetUrl: string
}

/** A row that is missing, or that must not be there. */
export interface Finding {
  readonly tenant: string
  readonly table: string
  /** The id of the write whose row it is. */
  readonly id: string
  readonly home: EndName
}

export interface Miscount {
  readonly tenant: string
  readonly task: string
  /** null: the task is gone. */
  readonly edits: number | null
  readonly atLeast: number
  readonly atMost: number
}

export interface LedgerCheck {
  readonly acknowledged: number
  readonly unknown: number
  /** Acknowledged, and not at home. */
  readonly lost: readonly Finding[]
  /** At home more than once. */
  readonly duplicated: readonly Finding[]
  /** Their erasure was acknowledged, and they are at home. */
  readonly resurrected: readonly Finding[]
  /** At home, and refused, failed or never attempted. */
  readonly strays: readonly Finding[]
  /** Tasks with fewer or more edits than were acknowledged. */
  readonly miscounted: readonly Miscount[]
  readonly homes: ReadonlyMap<string, EndName>
  /** See homeChanges(): at most one for each move and each rollback. */
  readonly homeChanges: ReadonlyMap<string, number>
}

export async function checkLedger(ledger: Ledger, ends: Ends): Promise<LedgerCheck> {
  const pools = {
    source: createAppPool(ends.sourceUrl, 1),
    target: createAppPool(ends.targetUrl, 1),
  }
  try {
    const homes = await readHomes(pools)
    const rows = await readRows(pools, homes)
    const miscounted = await findMiscounts(pools, { ledger, homes })
    return judge(ledger, { rows, homes, miscounted })
  } finally {
    await Promise.all([pools.source.end(), pools.target.end()])
  }
}

/**
 * Every row at its tenant's home that some write has made, by table and write; tenants count, too.
 */
interface Row {
  readonly table: string
  readonly tenant: string
  readonly id: string
  readonly copies: number
}

const findRows = `
  select 'comments' as "table", tenant_id as tenant, request_id as id, count(*)::int as copies
    from comments where request_id is not null group by 2, 3
  union all
  select 'activity', tenant_id, request_id, count(*)::int
    from activity where request_id is not null group by 2, 3
  union all
  select 'tasks', tenant_id, request_id, count(*)::int
    from tasks where request_id is not null group by 2, 3
  union all
  select 'checklist_items', t.tenant_id, i.request_id, count(*)::int
    from checklist_items i join tasks t on t.id = i.task_id
    where i.request_id is not null group by 2, 3`

async function readRows(pools: Pools, homes: Homes): Promise<Row[]> {
  const found: Row[] = []
  for (const end of ['source', 'target'] as const) {
    const { rows } = await pools[end].query<Row>(findRows)
    for (const row of rows) if (homes(row.tenant) === end) found.push(row)
  }
  return found
}

interface Facts {
  readonly rows: readonly Row[]
  readonly homes: Homes
  readonly miscounted: readonly Miscount[]
}

function judge(ledger: Ledger, { rows, homes, miscounted }: Facts): LedgerCheck {
  const writes = ledger.writes()
  const found = new Map(rows.map((row) => [keyOf(row.table, row.tenant, row.id), row]))
  const erasures = erasuresOf(writes)
  const at = (table: string, { tenant, id }: Pick<Write, 'tenant' | 'id'>): Finding => {
    return { tenant, table, id, home: homes(tenant) }
  }
  const expected = writes.flatMap((write) => rowsOf[write.kind].map((table) => ({ write, table })))
  const isThere = ({ write, table }: { write: Write; table: string }) =>
    found.has(keyOf(table, write.tenant, write.id))
  const acknowledged = expected.filter(({ write }) => write.outcome === 'acknowledged')
  const gone = (write: Write) => erasures.get(write)
  return {
    acknowledged: writes.filter((write) => write.outcome === 'acknowledged').length,
    unknown: writes.filter((write) => isUnknown(write)).length,
    lost: acknowledged
      .filter((row) => gone(row.write) === undefined && !isThere(row))
      .map(({ write, table }) => at(table, write)),
    duplicated: rows.filter((row) => row.copies > 1).map((row) => at(row.table, row)),
    resurrected: acknowledged
      .filter((row) => gone(row.write) === 'acknowledged' && isThere(row))
      .map(({ write, table }) => at(table, write)),
    strays: rows.filter((row) => isStray(row, ledger)).map((row) => at(row.table, row)),
    miscounted,
    homes: new Map([...new Set(writes.map((write) => write.tenant))].map((id) => [id, homes(id)])),
    homeChanges: homeChanges(ledger),
  }
}

function keyOf(table: string, tenant: string, id: string): string {
  return `${table}\n${id}\n${tenant}`
}

/** A write that somebody set about to erase → whether that is certain. */
function erasuresOf(writes: readonly Write[]): ReadonlyMap<Write, 'acknowledged' | 'unknown'> {
  const erasures = new Map<Write, 'acknowledged' | 'unknown'>()
  for (const { erases, outcome } of writes) {
    if (!erases || outcome === 'undone') continue
    erasures.set(erases, outcome === 'acknowledged' ? 'acknowledged' : 'unknown')
  }
  return erasures
}

/** Traffic that was not stopped leaves writes open. */
function isUnknown(write: Write): boolean {
  return write.outcome === 'unknown' || write.outcome === 'open'
}

function isStray(row: Row, ledger: Ledger): boolean {
  const write = ledger.get(row.id)
  if (!write || write.tenant !== row.tenant) return true
  return write.outcome === 'undone' || !rowsOf[write.kind].includes(row.table)
}

interface Counted {
  readonly ledger: Ledger
  readonly homes: Homes
}

async function findMiscounts(pools: Pools, { ledger, homes }: Counted): Promise<Miscount[]> {
  const edits = await readEdits(pools, { ledger, homes })
  const bounds = new Map([...ledger.editsBefore].map(([task, { edits }]) => [task, [edits, edits]]))
  for (const write of ledger.writes()) {
    const bound = write.kind === 'edit' ? bounds.get(write.task) : undefined
    if (!bound) continue
    bound[0] = (bound[0] ?? 0) + (write.outcome === 'acknowledged' ? 1 : 0)
    bound[1] = (bound[1] ?? 0) + (write.outcome === 'undone' ? 0 : 1)
  }
  return [...ledger.editsBefore]
    .map(([task, { tenant }]) => {
      const [atLeast = 0, atMost = 0] = bounds.get(task) ?? []
      return { tenant, task, edits: edits.get(task) ?? null, atLeast, atMost }
    })
    .filter(({ edits, atLeast, atMost }) => edits === null || edits < atLeast || edits > atMost)
}

async function readEdits(pools: Pools, { ledger, homes }: Counted): Promise<Map<string, number>> {
  const edits = new Map<string, number>()
  for (const end of ['source', 'target'] as const) {
    const here = [...ledger.editsBefore].filter(([, { tenant }]) => homes(tenant) === end)
    const found = await pools[end].query<{ id: string; edits: number }>(
      'select id::text, edits from tasks where id = any ($1)',
      [here.map(([task]) => task)],
    )
    for (const row of found.rows) edits.set(row.id, row.edits)
  }
  return edits
}
