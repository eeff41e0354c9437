/**
 * One step of catching up at the end that receives: rows of one table go and come, in one commit.
 *
 * The source was read at several moments, so two rows may claim what only one can have, and
 * a row may come before its parent. Such rows are left out, and reported. Rows that depend on a
 * removed row go with it, in the same commit: no row ever stands here that no tenant's condition
 * finds.
 */
import { type Client, withClient } from '../../../postgres.ts'
import { ident, qualified } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { Application, Applied, FeedTable } from '../../feed.ts'
import type { KeyList, Texts } from '../../tenant-rows.ts'
import { placeRows } from '../copy/place-rows.ts'
import { beginWriting } from '../fence/begin-writing.ts'
import { holdReceiving } from '../fence/holds.ts'
import { columnsEqual } from '../matching.ts'
import { amongKeys, listedKeys } from '../predicate.ts'
import { type Removal, removeRows } from '../removal/remove-rows.ts'
import { tenantPredicate } from '../tenant-of-rows.ts'
import { textsOf } from '../text-batches.ts'
import { deleteDescendants } from './feed-tables.ts'
import { holdColumns, restoreColumns } from './held-columns.ts'
import { childKeyIn } from './logged-tables.ts'
import { endStep, nextStep, outOfStep } from './steps.ts'

export interface ApplyingAt {
  readonly end: SqlEnd
  readonly tables: readonly FeedTable[]
  /** The one that the change is about. */
  readonly own: FeedTable
}

/** Rows are removed and placed, not updated: two of them may have exchanged what is unique. */
const begin = beginWriting({ replicate: true, commits: 'durably' })

/** Throws FENCE_LOST where the end does not receive the tenant, USAGE where it is not the next. */
export async function applyChanges(at: ApplyingAt, change: Application): Promise<Applied> {
  return await withClient(at.end.pool, async (client) => {
    await client.query(begin)
    await holdReceiving(client, change, at.end)
    const last = await nextStep(client, change)
    if ('repeated' in last) {
      await client.query('rollback')
      return last.repeated ?? nothingApplied
    }
    // The first step of all is that a copy has come.
    if (last.step === 0) throw outOfStep(change.step, 0)
    const answer = await applyOnce(client, at, change)
    if (!change.undone) await endStep(client, change, answer)
    await client.query(change.undone ? 'rollback' : 'commit')
    return answer
  })
}

const nothingApplied: Applied = { removed: 0, brought: 0, collided: [], orphaned: [] }

async function applyOnce(client: Client, at: ApplyingAt, change: Application): Promise<Applied> {
  const { end, own } = at
  const going: KeyList = { columns: change.key, values: change.remove }
  const holding = { table: own.table, change }
  await holdColumns(client, holding, chosen(end.schema, own, { change, going }))
  const childKey = childKeyIn(at.tables, own.table.name)
  const leaving =
    childKey.length > 0 ? await childKeysOf(client, at, { change, going, childKey }) : []
  let parents: KeyList[] = [change.parents]
  for (;;) {
    await client.query('savepoint before')
    const removed = await removeStep(client, at, { change, going, parents })
    const left = await placeRows(client, change.tenant, {
      schema: at.end.schema,
      table: own,
      columns: change.columns,
      rows: change.rows,
    })
    const gone = await absent(client, at, { columns: childKey, values: leaving })
    // Each is looked for once: a removed row does not come back when more are removed.
    if (gone.values.length === 0 || parents.length > 1) {
      await restoreColumns(client, end, { ...holding, left })
      const brought = change.rows.length - left.collided.length - left.orphaned.length
      return { removed, brought, ...left }
    }
    parents = [change.parents, gone]
    await client.query('rollback to savepoint before')
  }
}

interface Removing {
  readonly change: Application
  readonly going: KeyList
}

async function removeStep(
  client: Client,
  { end, tables, own }: ApplyingAt,
  { change, going, parents }: Removing & { readonly parents: readonly KeyList[] },
): Promise<number> {
  const at = { schema: end.schema, tenant: change.tenant }
  let removed = 0
  const remove = async (removal: Removal) => {
    const [gone] = await removeRows(client, [removal])
    removed += gone?.rows ?? 0
  }
  for (const keys of parents.filter(({ values }) => values.length > 0)) {
    for (const one of deleteDescendants(tables, own.table, { ...at, keys })) await remove(one)
  }
  if (going.values.length > 0) {
    const where = whichOf(end.schema, own, { change, going })
    await remove({ schema: end.schema, table: own.table, where, limit: null })
  }
  return removed
}

/** `from table r where …`: the tenant's rows that have these keys. */
function chosen(schema: string, own: FeedTable, removing: Removing): string {
  return `from ${qualified(schema, own.table.name)} r where ${whichOf(schema, own, removing)}`
}

function whichOf(schema: string, { table, path }: FeedTable, { change, going }: Removing): string {
  const ours = tenantPredicate(path, { schema, alias: 'r', tenant: change.tenant })
  return `${ours} and ${amongKeys(table, going)}`
}

/** Keys that other rows refer to, of rows that are about to be removed. */
async function childKeysOf(
  client: Client,
  { end, own }: ApplyingAt,
  { childKey, ...removing }: Removing & { readonly childKey: readonly string[] },
): Promise<Texts[]> {
  const columns = childKey.map((name) => `r.${ident(name)}`).join(', ')
  return await textsOf(client, `select ${columns} ${chosen(end.schema, own, removing)}`)
}

/** A column of listed keys. */
const listed = (name: string) => `k.${ident(name)}`

/** Keys without a row in the table. */
async function absent(client: Client, { end, own }: ApplyingAt, keys: KeyList): Promise<KeyList> {
  if (keys.values.length === 0) return keys
  const match = columnsEqual(own.table, keys.columns, { alias: 'r', value: listed })
  const query = `select * from (${listedKeys(own.table, keys)}) k
    where not exists (select from ${qualified(end.schema, own.table.name)} r where ${match})`
  return { columns: keys.columns, values: await textsOf(client, query) }
}
