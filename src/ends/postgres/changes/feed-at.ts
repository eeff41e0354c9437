/** The feed of a database: of its own log, and of what comes to it. */

import { RehomeError } from '../../../errors.ts'
import { childName } from '../../../plan/catalogs/dependents.ts'
import { ident, qualified } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { BrokenByLeaving, ChangesAsked, Feed, FeedOf, FeedTable, Since } from '../../feed.ts'
import type { KeyList } from '../../tenant-rows.ts'
import { waitForWriters } from '../fence/drain.ts'
import { byEquality, isKept, isParent, leadingTo } from '../matching.ts'
import { scoped } from '../postgres-end.ts'
import { listedKeys } from '../predicate.ts'
import { applyChanges } from './apply-changes.ts'
import { forgetChanges } from './change-log.ts'
import { type ChangedTable, type Changes, countChanges } from './changes.ts'
import { forgetCheckpoint } from './checkpoints.ts'
import { type ChangesPage, changesPage, type PageAsked } from './feed-changes.ts'
import { ownChangedTables } from './feed-tables.ts'
import { readStep, writeStep } from './steps.ts'

export interface FeedAt extends FeedOf {
  readonly end: SqlEnd
}

const pageRows = 2_000

export function feedAt(at: FeedAt): Feed {
  const { end, tables } = at
  const key = <T extends { scope: string; tenant: string }>(of: T) => scoped(end, of)
  return {
    async position() {
      return (await end.pool.query('select pg_current_snapshot()::text as seen')).rows[0].seen
    },
    waitForWriters: (options) => waitForWriters(end.pool, options),
    async countChanges(since) {
      const client = await end.pool.connect()
      try {
        return await countChanges(client, changesOf(at, since))
      } finally {
        client.release()
      }
    },
    changes: (request) => pagesOf(at, request),
    forgetChanges: ({ position, ...hold }) => {
      const logs = ownTables(at).map(({ log }) => log)
      return forgetChanges(end.pool, logs, { ...key(hold), seen: position })
    },
    readCheckpoint: (of) => readStep(end.lifeline, key(of)),
    writeCheckpoint: (hold, checkpoint) => writeStep(end, key(hold), checkpoint),
    forgetCheckpoint: (hold) => forgetCheckpoint(end.lifeline, key(hold)),
    apply: (change) =>
      applyChanges({ end, tables, own: ownTable(tables, change.table) }, key(change)),
    brokenByLeaving: (table, keys) => brokenByLeaving(at, table, keys),
  }
}

function ownTable(tables: readonly FeedTable[], name: string): FeedTable {
  const own = tables.find(({ table }) => table.name === name)
  if (own) return own
  throw new RehomeError('USAGE', `there is no table "${name}" at this end`)
}

function ownTables({ end, scope, tables }: FeedAt): ChangedTable[] {
  return ownChangedTables(tables, { scope, schema: end.schema })
}

function changesOf(at: FeedAt, { position, everyChild, scope, tenant }: Since): Changes {
  return { key: { scope, tenant }, since: position, everyChild, tables: ownTables(at) }
}

/** One page, for who asks for one at a time. */
export async function pageOfChanges(
  at: FeedAt,
  since: Since & { readonly table: string },
  page: PageAsked,
): Promise<ChangesPage> {
  const changes = changesOf(at, since)
  const table = changes.tables.find(({ route }) => route.source.name === since.table)
  if (table) return await changesPage(at.end, { changes, table }, page)
  throw new RehomeError('USAGE', `there is no table "${since.table}" at this end`)
}

async function* pagesOf(at: FeedAt, request: ChangesAsked) {
  let cursor: string | null = null
  do {
    request.signal.throwIfAborted()
    const { kind, columns } = request
    const page: ChangesPage = await pageOfChanges(at, request, {
      kind,
      columns,
      cursor,
      limit: pageRows,
    })
    if (page.rows.length > 0) yield page.rows
    cursor = page.next
  } while (cursor !== null)
}

/** Foreign keys that lead to all columns of the keys: other keys cannot refer to these rows. */
async function brokenByLeaving(
  { end, catalog }: FeedAt,
  table: string,
  keys: KeyList,
): Promise<BrokenByLeaving[]> {
  const parent = catalog.tables.get(table)
  if (!parent || keys.values.length === 0) return []
  const broken: BrokenByLeaving[] = []
  for (const key of parent.references) {
    if (!key.readable || !keys.columns.every((name) => key.parentColumns.includes(name))) continue
    const own = (name: string) => `c.${ident(name)}`
    const listed = isParent(
      byEquality(leadingTo(key, keys.columns)),
      (name) => `k.${ident(name)}`,
      own,
    )
    const notNull = key.columns.map((name) => `c.${ident(name)} is not null`)
    const query = `select count(*)::int as rows from (${listedKeys(parent, keys)}) k
      join ${qualified(key.schema, key.relation)} c on ${listed}
      where ${notNull.join(' and ')} and not ${isKept(key, own)}`
    const { rows } = (await end.pool.query(query)).rows[0]
    if (rows === 0) continue
    broken.push({ foreignKey: `"${childName(key, end.schema)}": ${key.name}`, rows })
  }
  return broken
}
