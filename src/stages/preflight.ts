/**
 * Everything that can be known before the tenant notices anything: the plan fits the databases, the
 * guards stand, the target has room. It closes the target for this tenant and empties what earlier
 * attempts left there, so that the copy itself meets nothing.
 */
import { randomUUID } from 'node:crypto'
import { hashOfLookups } from '../attempt/context.ts'
import { tryDirectories } from '../attempt/directory.ts'
import { countRows, sum, tenantRows } from '../attempt/planned-rows.ts'
import { advanceTo, notePositions, reachedIds } from '../attempt/sequences.ts'
import { holdOf, lanesOf, note, type Shard, type Stage, store } from '../attempt/shard.ts'
import { refuseStrays } from '../attempt/strays.ts'
import { wayBackOf } from '../attempt/way-back.ts'
import { adoptedRows, adoptingTables } from '../checks/adopted-rows.ts'
import { collisionText, countText, firstColliding, keyAtSource } from '../checks/colliding-keys.ts'
import { describe, tryEach } from '../checks/demand-findings.ts'
import { surveyBack } from '../checks/survey.ts'
import { movesOfTenant } from '../control/moves.ts'
import { bringSharedFirst, withShared } from '../copying/shared-rows.ts'
import { refuseTooLarge } from '../copying/whole-tables.ts'
import { nothingRead } from '../ends/rows.ts'
import { firstFew, RehomeError } from '../errors.ts'
import { allOf, inParallel } from '../parallel.ts'
import { demandsOf } from '../plan/routing/demands.ts'
import { referencesMaxOf } from '../plan/routing/path.ts'
import type { Route } from '../plan/routing/route.ts'
import { queryText } from '../plan/stream.ts'
import { forgetCapture } from './capture.ts'
import { removeTenant } from './remove-tenant.ts'

export const preflight: Stage = {
  phase: 'preflight',
  async run(shard) {
    refuseFindings(shard)
    await refuseMovedSource(shard)
    await refuseUnfencedReads(shard)
    const { control, plan, tenant } = shard
    const isOpenThere = shard.flagsFound.target === null
    const [rows, rowsThere, ours] = await allOf([
      countWhereNothingIsStray(shard),
      isOpenThere ? countRows(shard, 'target') : null,
      movesOfTenant(control, [plan.scope, plan.targetScope], tenant),
    ])
    shard.rowsTotal = sum(rows)
    shard.rowsCopied = 0
    if (shard.rowsTotal === 0) {
      throw new RehomeError('TENANT_UNKNOWN', 'the source has no row of this tenant')
    }
    await refuseUnfit(shard)
    await refuseTooLarge(shard, rows)
    await tryDirectories(shard)
    if (rowsThere) await refuseOccupied(shard, rowsThere)
    await closeTarget(shard, ours)
    try {
      // The move itself reports what it would have to pass.
      const advances = shard.move.errand !== 'rehearse'
      let reached: Reached = []
      const reach = async () => {
        if (advances) reached = await reachedIds(shard, 'source')
      }
      await lookAtSource(shard, [() => refuseBadKeys(shard), () => refuseAdopted(shard), reach])
      await advanceTo(shard, reached)
      await bringSharedFirst(shard)
      if (shard.plan.rollback.windowMs > 0) {
        await notePositions(withShared(shard))
        noteOneWay(shard)
      }
      // An attempt that goes on with this one's rows has to have found the same.
      if (shard.plan.lookups) note(shard, { evidence: { lookups: hashOfLookups(shard.lookups) } })
    } catch (error) {
      // It is empty, so there is nothing there to be kept closed.
      await shard.ends.target.flags.giveUpTarget(holdOf(shard))
      throw error
    }
  },
}

type Reached = Awaited<ReturnType<typeof reachedIds>>
type Look = () => Promise<void>

/**
 * Several looks at once only where the worker's other moves leave it connections: a fenced tenant
 * is not to wait for one behind the looks at others.
 */
async function lookAtSource(shard: Shard, looks: readonly Look[]): Promise<void> {
  const { signal } = shard
  await inParallel(looks, { limit: lanesOf(shard), signal }, (look) => look())
}

async function countWhereNothingIsStray(shard: Shard): Promise<Map<string, number>> {
  let rows = new Map<string, number>()
  const count = async () => {
    rows = await countRows(shard, 'source')
  }
  await lookAtSource(shard, [() => refuseStrays(shard), count])
  return rows
}

/** For those who are asked for a rollback later: what is written to these tables cannot go back. */
function noteOneWay(shard: Shard): void {
  const oneWay = surveyBack(shard.survey).routes.flatMap(({ source: { name: table }, blocked }) =>
    blocked === undefined ? [] : [{ table, reason: blocked }],
  )
  if (oneWay.length > 0) note(shard, { evidence: { oneWay } })
}

/** A table that a stream reads and no guard stands at would be written while its tenant moves. */
async function refuseUnfencedReads(shard: Shard): Promise<void> {
  const { routes, sources } = shard.survey
  const fenced = new Set(sources.flatMap(({ table }) => [table.name, ...table.partitions]))
  for (const stream of new Set(routes.map((route) => route.stream))) {
    if (!stream || typeof stream.from === 'string') continue
    const query = queryText(stream.from, shard.tenant)
    const read = await shard.ends.source.rows.readRelations(query)
    const other = read.find((name) => !fenced.has(name) && !stream.alsoReads?.includes(name))
    if (other === undefined) continue
    const message = `stream "${stream.name}" reads "${other}", which is not planned: use \`sourceTable('${other}')\`, or put it into \`alsoReads\``
    throw new RehomeError('PREFLIGHT_FAILED', message)
  }
}

export function refuseFindings({
  survey: { findings, unguarded },
}: {
  readonly survey: Pick<Shard['survey'], 'findings' | 'unguarded'>
}): void {
  const [first] = findings
  if (first) {
    const more =
      findings.length > 1 ? ` (and ${findings.length - 1} more: run \`rehome check\`)` : ''
    const message = `${first.where}: ${first.message}${more}`
    throw new RehomeError('PREFLIGHT_FAILED', message, { data: { findings } })
  }
  const [open] = unguarded
  if (open) {
    const instead = open.end.sql ? 'run `rehome init`' : 'let it `install()` them'
    const message = `table "${open.relation}" at the ${open.end.name} has no guard: ${instead}`
    throw new RehomeError('NOT_INSTALLED', message)
  }
}

async function refuseMovedSource(shard: Shard): Promise<void> {
  const flagBefore = shard.flagsFound.source
  // What this move had left there has been ended since.
  const isOurs = flagBefore?.moveId === shard.move.id
  const flag = isOurs ? await shard.ends.source.flags.readFlag(holdOf(shard)) : flagBefore
  if (flag?.mode === 'moved') {
    const message = `the tenant has already moved to ${flag.movedTo}`
    throw new RehomeError('NOT_ALLOWED_NOW', message)
  }
  if (flag?.inWindow) {
    const until = flag.captureUntil?.toISOString()
    const message = `move ${flag.moveId} may bring the tenant back until ${until}: run \`rehome finalize\` first`
    throw new RehomeError('NOT_ALLOWED_NOW', message)
  }
}

/** Finds rows that the target would refuse in the copy, before there is a fence. */
async function refuseUnfit(shard: Shard): Promise<void> {
  const { survey, ends, tenant } = shard
  const trials = survey.routes.flatMap((route) => demandsOf(route, { reads: true }).trials)
  // What cannot be tried is left to the copy, as `check` has noted.
  const { violations } = await tryEach(survey, ends, { whose: { tenant }, trials })
  const [first] = violations
  if (!first) return
  const data = { table: first.trial.route.target.name, key: [first.key], rows: first.rows }
  throw new RehomeError('ROW_REJECTED', firstFew(violations.map(describe)), { data })
}

/** From here on no application can write this tenant at the target, until the release. */
async function closeTarget(shard: Shard, ours: readonly string[]): Promise<void> {
  const { target } = shard.ends
  shard.epoch = randomUUID()
  // A move without one has changed nothing, and may be called off without a look at the ends.
  await store(shard, { epoch: shard.epoch, rowsTotal: shard.rowsTotal, rowsCopied: 0 })
  const claimed = await target.flags.claimTarget({
    ...holdOf(shard),
    epoch: shard.epoch,
    moveId: shard.move.id,
    reason: 'moving in',
    retryAfterS: shard.plan.fence.retryAfterS,
    captureMs: shard.plan.rollback.windowMs || null,
    ours,
  })
  if (!claimed) throw heldByOthers()
  const { drainMs } = shard.plan.fence
  const referencesMax = referencesMaxOf(shard.survey.targets)
  await target.rows.drain({ tenant: shard.tenant, drainMs, referencesMax, signal: shard.signal })
  if (claimed.rowsAreOurs) await wipeLeftovers(shard)
  else await refuseOccupied(shard, await countRows(shard, 'target'))
  const [isMarked] = await allOf([
    target.flags.markRowsOurs(holdOf(shard)),
    forgetCapture(wayBackOf(shard)),
    target.rows.forgetProgress(holdOf(shard)),
  ])
  if (!isMarked) throw heldByOthers()
  shard.targetEmptied = true
}

async function wipeLeftovers(shard: Shard): Promise<void> {
  const rows = await removeTenant(shard, 'target', { mode: 'receiving' })
  if (rows > 0) shard.tell(`removed ${rows} rows that an earlier attempt left at the target`)
}

async function refuseOccupied(shard: Shard, rowsOf: ReadonlyMap<string, number>): Promise<void> {
  const counts = [...rowsOf].filter(([, rows]) => rows > 0)
  if (counts.length === 0) return
  await shard.ends.target.flags.giveUpTarget(holdOf(shard))
  const where = counts.map(([name, rows]) => `"${name}": ${rows}`).join(', ')
  throw new RehomeError(
    'TARGET_NOT_EMPTY',
    `the target already has rows of this tenant that no move of ours brought (${where})`,
    { data: { counts: Object.fromEntries(counts) } },
  )
}

function heldByOthers(): RehomeError {
  const message = "the target is fenced for this tenant by something that is not this run's"
  return new RehomeError('FENCE_HELD', message)
}

async function refuseBadKeys(shard: Shard): Promise<void> {
  const { routes } = shard.survey
  for (const route of routes) await refuseRepeated(shard, route)
  const keyed = routes.filter((route) => keyAtSource(route) !== null)
  const empty = await shard.ends.target.rows.emptyTables(keyed.map(({ target }) => target))
  await refuseColliding(
    shard,
    keyed.filter(({ target }) => !empty.has(target.name)),
  )
}

/** Rows without a tenant that would become the tenant's, and be removed with it. */
async function refuseAdopted(shard: Shard): Promise<void> {
  const [source, target] = [shard.ends.source.rows, shard.ends.target.rows]
  for (const adopting of adoptingTables(shard.survey)) {
    const { child, parent } = adopting
    const { name } = child.table
    if (!parent || (await target.emptyTables([child.table])).has(name)) continue
    const keys = await adoptedRows({ source, target }, adopting, {
      ...tenantRows(shard, parent, 'source'),
      key: [],
      after: nothingRead,
      signal: shard.signal,
    })
    if (keys.length === 0) continue
    const message = `"${name}" at the target has rows that refer to ${countText(keys)} of the tenant's rows of "${parent.target.name}", which are not there yet, e.g. ${keys[0]}: remove or change them`
    throw new RehomeError('TARGET_NOT_EMPTY', message, { data: { keys } })
  }
}

async function refuseRepeated(shard: Shard, route: Route): Promise<void> {
  const unique = route.source.uniques.some((u) =>
    u.columns.every((column) => route.sourceKey.includes(column) && isNotNull(route, column)),
  )
  if (unique) return
  const rows = tenantRows(shard, route, 'source')
  const repeated = await shard.ends.source.rows.repeatedKeys(rows, route.sourceKey)
  if (repeated.length === 0) return
  const message = `table "${route.source.name}": key ${repeated[0]} is null or not unique`
  throw new RehomeError('KEY_NOT_UNIQUE', message, { data: { keys: repeated } })
}

async function refuseColliding(shard: Shard, routes: readonly Route[]): Promise<void> {
  const [source, target] = [shard.ends.source.rows, shard.ends.target.rows]
  const colliding = await firstColliding({ source, target }, routes, {
    rows: shard.rowsTotal,
    readingOf: (route) => ({
      ...tenantRows(shard, route, 'source'),
      key: [],
      after: nothingRead,
      signal: shard.signal,
    }),
  })
  if (colliding === null) return
  throw new RehomeError('ID_COLLISION', collisionText(colliding), {
    data: { keys: colliding.keys },
  })
}

function isNotNull(route: Route, column: string): boolean {
  return route.source.columns.some((c) => c.name === column && c.notNull)
}
