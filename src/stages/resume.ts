/**
 * Where an attempt begins. The one before it may have died anywhere; what it left at the two ends,
 * not what it reported, decides what is done. The same epoch at both ends means that no write was
 * let in since, so the rows that came are still right.
 */
import { randomUUID } from 'node:crypto'
import { hashOfLookups } from '../attempt/context.ts'
import { holdOf, type Shard, store } from '../attempt/shard.ts'
import type { Flag } from '../ends/flags.ts'
import { RehomeError } from '../errors.ts'
import { feedOf } from '../follow/feeds.ts'

export type Found =
  /** Nothing to go on with. */
  | 'nothing'
  /** The fence of the attempt before still stands, and is ours now. */
  | 'fenced'
  /** The cutover is done. */
  | 'cut over'

export async function resume(shard: Shard): Promise<Found> {
  if (await isCutOver(shard)) return 'cut over'
  const { source, target } = shard.ends
  const moveId = shard.move.id
  const hold = holdOf(shard)
  const { epoch, phase } = shard.move
  if (epoch === null || !['drain', 'copy', 'verify', 'cutover'].includes(phase)) {
    return await startOver(shard)
  }
  if (!foundTheSame(shard)) return await startOver(shard)
  const { leaseMs } = shard.plan.fence
  shard.lease.hold(source.flags, hold)
  const change = { ...hold, moveId, epoch, leaseMs }
  const fence = await source.flags.takeOver(change)
  if (fence && (await target.flags.takeOver(change))) {
    shard.lease.heldFor(fence.heldMs)
    shard.epoch = epoch
    // Whatever was intended: it is not cut over, so a failure leads back.
    shard.phase = 'drain'
    shard.rowsTotal = Number(shard.move.rows_total ?? 0)
    shard.tell(`goes on with ${phase} under the fence of the attempt before`)
    return 'fenced'
  }
  shard.lease.letGo()
  return await startOver(shard)
}

/** Whether lookups returned the same result as for the attempt that copied the rows. */
function foundTheSame({ plan, move, lookups }: Shard): boolean {
  if (!plan.lookups) return true
  const { lookups: before } = move.evidence
  return before === hashOfLookups(lookups)
}

/** Throws where the move has been cut over, by what is stored, and not by the source's flag. */
async function isCutOver(shard: Shard): Promise<boolean> {
  if (await adoptFound(shard, 'source', 'moved')) return true
  const { flags } = shard.ends.source
  if (shard.move.phase === 'release') throw contradiction(await flags.readFlag(holdOf(shard)))
  return false
}

/** Adopts the flag that stood there when the attempt began, if it is this move's in this mode. */
async function adoptFound(
  shard: Shard,
  end: 'source' | 'target',
  mode: Flag['mode'],
): Promise<boolean> {
  const flag = shard.flagsFound[end]
  const moveId = shard.move.id
  if (flag?.moveId !== moveId || flag.mode !== mode) return false
  return await shard.ends[end].flags.adopt({ ...holdOf(shard), moveId, mode })
}

/** Starting over begins with a preflight, and no tenant waits for that. */
async function startOver(shard: Shard): Promise<'nothing'> {
  await openSource(shard)
  return 'nothing'
}

/** Whatever this move has raised or begun there ends: writers go on, and nothing is logged. */
export async function openSource(shard: Shard): Promise<void> {
  if (shard.flagsFound.source?.moveId !== shard.move.id) return
  const { flags } = shard.ends.source
  const hold = holdOf(shard)
  for (const mode of ['read_only', 'capturing'] as const) {
    await flags.adopt({ ...hold, moveId: shard.move.id, mode })
  }
  await flags.lowerFence(hold)
}

export type FoundOnline =
  | 'nothing'
  /** Changes may be logged, but no copy has come to its end. */
  | 'captured'
  /** Everything up to some moment is at the target. */
  | 'copied'
  | 'cut over'

/** Resumes an online move. Equal epochs at both ends prove that the log has all changes since. */
export async function resumeOnline(shard: Shard): Promise<FoundOnline> {
  if (await isCutOver(shard)) return 'cut over'
  const { source, target } = shard.ends
  const moveId = shard.move.id
  const hold = holdOf(shard)
  const { epoch } = shard.move
  if (epoch === null || !foundTheSame(shard)) return await startOver(shard)
  const { leaseMs } = shard.plan.fence
  const change = { ...hold, moveId, epoch, leaseMs }
  const captured = await source.flags.takeOver(change)
  // A worker that died under the fence leaves writers waiting: they go on at once.
  const open = captured && (await source.flags.lowerToCapture({ ...hold, leaseMs }))
  if (!open || !(await target.flags.takeOver(change))) return await startOver(shard)
  shard.lease.keep(source.flags, hold)
  shard.epoch = epoch
  // Whatever was intended: it is not cut over, so a failure leads back. A held move stays held.
  if (shard.move.phase !== 'hold') shard.phase = 'copy'
  shard.rowsTotal = Number(shard.move.rows_total ?? 0)
  const checkpoint = await feedOf(shard, 'target').readCheckpoint({ ...hold, epoch })
  const state = checkpoint?.fingerprint === shard.survey.fingerprint ? 'copied' : 'captured'
  if (shard.move.phase !== 'hold') {
    shard.tell(`goes on under the capture of the attempt before: ${state}`)
  }
  return state
}

function contradiction(flag: { mode: string } | null): RehomeError {
  return new RehomeError(
    'UNEXPECTED',
    `the move was cut over, but the source is ${flag?.mode ?? 'open'}: look at it before going on`,
  )
}

export type FoundBack =
  /** The tenant never left: only leftovers are to be removed. */
  | 'not cut over'
  /** The target is its home, and has logged all that was written there since. */
  | 'captured'
  /** The target is its home. */
  | 'cut over'
  /** The source is its home already, or about to be: it only has to open. */
  | 'cut back'

export async function resumeRollback(shard: Shard): Promise<FoundBack> {
  if (shard.move.phase === 'undo_release') return 'cut back'
  const back = await adoptFound(shard, 'target', 'moved')
  // The source may be open by then: a caller with its key did what was left to do.
  const away = await adoptFound(shard, 'source', 'moved')
  // An attempt before this one had begun to bring rows there.
  const claimed = !away && (await adoptFound(shard, 'source', 'receiving'))
  if (back) return 'cut back'
  if (away || claimed) {
    // Whatever was intended: it is not cut back, so a failure leaves the tenant at the target.
    shard.phase = 'undo_fence'
    if (!shard.move.discard_writes && (await findCapture(shard))) return 'captured'
    if (claimed) await shard.ends.source.flags.giveUpTarget(holdOf(shard))
    return 'cut over'
  }
  if (shard.move.fallback_phase !== 'moved') return 'not cut over'
  const message =
    'by its flag at the source it was not this move that took the tenant away: look at the flag'
  throw new RehomeError('NOT_MOVED', message)
}

/** false: the window is over, so there is nothing to be tried. */
export async function resumeAudit(shard: Shard): Promise<boolean> {
  // A failure leaves all as it was.
  shard.phase = 'audit'
  if (await findCapture(shard)) return true
  await leaveOldHome(shard)
  return false
}

/** An attempt that has died may have claimed it, to bring rows there: it stays closed. */
export async function leaveOldHome(shard: Shard): Promise<void> {
  if (!(await adoptFound(shard, 'source', 'receiving'))) return
  await shard.ends.source.flags.giveUpTarget(holdOf(shard))
}

/** Holds what the target has logged since the cutover, if it has. */
async function findCapture(shard: Shard): Promise<boolean> {
  const { flags } = shard.ends.target
  const hold = holdOf(shard)
  // Secret until the target, at the cutover, gives it to the writers that it refuses.
  shard.epoch = randomUUID()
  await store(shard, { epoch: shard.epoch })
  const { fence, rollback } = shard.plan
  const { leaseMs } = fence
  if (rollback.windowMs === 0) return false
  const change = { ...hold, moveId: shard.move.id, epoch: shard.epoch, leaseMs }
  if (!(await flags.adoptCapture(change))) return false
  shard.lease.keep(flags, hold)
  return true
}
