/**
 * Rows of everybody that the tenant needs come to the target before the rows that refer to them:
 * before the fence, in the snapshot of an online copy, and with each round that newly refers to
 * some. They are compared as they come. Nothing of them is ever fenced or removed.
 */
import { holdOf, type Shard, sqlEndsOf, store } from '../attempt/shard.ts'
import type { Ends, SqlEnd } from '../ends/end.ts'
import { selectRows } from '../ends/postgres/copy/copy-table.ts'
import { differingShared, settleShared } from '../ends/postgres/copy/shared-rows.ts'
import { beginWriting } from '../ends/postgres/fence/begin-writing.ts'
import { holdReceiving } from '../ends/postgres/fence/holds.ts'
import { tenantPredicate } from '../ends/postgres/tenant-of-rows.ts'
import { textBatches } from '../ends/postgres/text-batches.ts'
import type { Reached } from '../ends/rows.ts'
import type { Texts } from '../ends/tenant-rows.ts'
import type { Route } from '../plan/routing/route.ts'
import { sharingOf } from '../plan/routing/shared-routes.ts'
import { type Client, inTransactionOf, toRehomeError, withClient } from '../postgres.ts'
import { ident } from '../quote.ts'
import { isRehearsal, passIds, reachedBy, settlingOf, tell } from './shared-batches.ts'
import { hasSharedIds, withIdsFound, withIdsThere } from './shared-ids.ts'
import { areAsked, bringByPages, compareByPages } from './shared-pages.ts'
import { refuseDiffering, refuseUnsettled } from './unsettled-shared.ts'

/**
 * Before the fence, where alone a row that differs may end the move: what is there later may be
 * this move's own, which the application has changed at the source since. So it is stored that all
 * were compared before the first one is inserted, and another attempt does not compare again.
 * Throws SHARED_ROWS_DIFFER, and what `bringShared` throws.
 */
export async function bringSharedFirst(shard: Shard): Promise<void> {
  const { move, survey } = shard
  const strict = survey.shared.filter((route) => sharingOf(route).differing === 'refuse')
  if (strict.length > 0 && move.evidence.sharedCompared !== true) {
    await compareFirst(shard, strict)
    if (!isRehearsal(shard)) await store(shard, { evidence: { sharedCompared: true } })
  }
  await bringShared(shard)
}

async function compareFirst(shard: Shard, strict: readonly Route[]): Promise<void> {
  if (areAsked(shard.ends)) return await compareByPages(shard, strict)
  const { target } = sqlEndsOf(shard)
  await reading(shard.ends, async (from) => {
    for (const route of strict) {
      const where = needed(shard, from.source, route)
      const plain = withoutReferences(route)
      await eachBatch(shard, { ...from, route: plain, where }, async (rows) => {
        const there = await withIdsFound({ target, route: plain }, rows)
        const settling = { ...settlingOf(shard, plain), schema: target.schema }
        refuseDiffering(shard, route, await differingShared(target.pool, settling, there))
      })
    }
  })
}

/** Ids of rows that are not there yet are unknown. */
function withoutReferences(route: Route): Route {
  return { ...route, columns: route.columns.filter(({ ids }) => !ids) }
}

/**
 * Settles shared rows with a copy, so that none to which it refers goes in between. Where foreign
 * keys are off the copy comes first: rows that were deleted meanwhile are brought once more, and
 * from then on the committed copy keeps them. Where they are on, the rows have to be there before;
 * and where their ids are others there, which rows that refer to them are copied with.
 */
export async function withSharedRows(
  shard: Shard,
  ends: Ends,
  copy: () => Promise<void>,
): Promise<void> {
  const { replicate } = shard.survey
  if (!replicate || hasSharedIds(shard.survey)) await bringShared(shard, ends)
  await copy()
  if (replicate) await bringShared(shard, ends)
}

/** All that the tenant needs, as the source has it at one moment. Throws SHARED_ROWS_MISSING. */
async function bringShared(shard: Shard, ends: Ends = shard.ends): Promise<void> {
  if (shard.survey.shared.length === 0) return
  if (areAsked(ends)) return await bringByPages(shard, ends)
  const { target } = sqlEndsOf({ ends })
  await reading(ends, async (from) => {
    for (const route of shard.survey.shared) {
      const where = needed(shard, from.source, route)
      await bringEach(shard, { ...from, route, where }, async (settle, reached) => {
        if (!isRehearsal(shard)) await passIds(shard, reached)
        await settleBatch(shard, target, settle)
      })
    }
  })
}

/**
 * Each batch in a transaction of its own, so that no other writer of such rows waits for long. A
 * rehearsal leaves nothing, and shared rows are never removed: it takes each batch back.
 */
async function settleBatch(shard: Shard, target: SqlEnd, settle: Settle): Promise<void> {
  const begin = beginWriting({ replicate: shard.survey.replicate })
  await inTransactionOf(target.pool, begin, async (client) => {
    await holdReceiving(client, holdOf(shard), target)
    if (isRehearsal(shard)) await client.query('savepoint before')
    await settle(client)
    if (isRehearsal(shard)) await client.query('rollback to before')
  })
}

interface From {
  readonly source: SqlEnd
  readonly reader: Client
}

async function reading(ends: Ends, work: (from: From) => Promise<void>): Promise<void> {
  const { source } = sqlEndsOf({ ends })
  await withClient(source.pool, async (reader) => {
    if (!source.within) await reader.query('begin isolation level repeatable read read only')
    await work({ source, reader })
    if (!source.within) await reader.query('commit')
  })
}

function needed({ tenant }: Shard, { schema }: SqlEnd, { sourcePath }: Route): string {
  return tenantPredicate(sourcePath, { schema, alias: 'r', tenant })
}

/** The shard with its shared tables as if they were its own. */
export function withShared(shard: Shard): Shard {
  const { routes, shared } = shard.survey
  return { ...shard, survey: { ...shard.survey, routes: [...routes, ...shared] } }
}

export interface WithinRound {
  readonly reader: Client
  readonly target: Client
  /** Condition over `r`, rows of the source that are newly needed. null: there are none. */
  readonly newly: (route: Route) => string | null
}

/** In the transaction of a round, those that rows of the round refer to. Returns their ids. */
export async function bringNewlyShared(
  shard: Shard,
  { reader, target, newly }: WithinRound,
): Promise<Reached[]> {
  const { source } = sqlEndsOf(shard)
  const all: Reached[] = []
  for (const route of shard.survey.shared) {
    const condition = newly(route)
    if (condition === null) continue
    const where = `${needed(shard, source, route)} and ${condition}`
    await bringEach(shard, { route, source, reader, where }, async (settle, reached) => {
      await settle(target)
      all.push(...reached)
    })
  }
  return all
}

interface Reading extends From {
  readonly route: Route
  readonly where: string
}

type Settle = (client: Client) => Promise<void>

async function eachBatch(
  shard: Shard,
  { route, source, reader, where }: Reading,
  work: (rows: readonly Texts[]) => Promise<void>,
): Promise<void> {
  const order = route.sourceKey.map((name) => `r.${ident(name)}`).join(', ')
  const query = `${selectRows(source, route, where)} order by ${order}`
  try {
    for await (const rows of textBatches(reader, query, { size: 1_000, firstRows: 100 })) {
      shard.signal.throwIfAborted()
      await work(rows)
    }
  } catch (error) {
    throw toRehomeError(error, `shared rows of "${route.source.name}"`)
  }
}

async function bringEach(
  shard: Shard,
  reading: Reading,
  work: (settle: Settle, reached: readonly Reached[]) => Promise<void>,
): Promise<void> {
  const { route } = reading
  const total = { rows: 0, inserted: 0, kept: 0, updated: 0 }
  await eachBatch(shard, reading, async (rows) => {
    await work(
      async (client) => {
        const { target } = sqlEndsOf(shard)
        const settling = { ...settlingOf(shard, route), schema: target.schema }
        const { inserts } = settling
        const identified = await withIdsThere(shard, { client, target, route }, { rows, inserts })
        refuseUnsettled(shard, route, { ...identified, broken: [] })
        const settled = await settleShared(client, settling, identified.rows)
        refuseUnsettled(shard, route, settled)
        total.rows += rows.length
        total.inserted += identified.inserted + settled.inserted
        total.updated += settled.updated
        total.kept += settled.differing.length - settled.updated
      },
      reachedBy(route, rows),
    )
  })
  tell(shard, route, total)
}
