/**
 * THE STORY: the life of one shard, top to bottom.
 *
 * A phase is stored before it begins, or while it is under way where the ends themselves tell that
 * it is the next one; none ends before it is stored. A worker that died is followed by another that
 * re-enters here; what the two ends hold, not what the dead one reported, decides where to go on.
 * All branching of the product's core stands in this file; stages are straight lines.
 */

import { tryDirectories } from './attempt/directory.ts'
import { type Shard, step } from './attempt/shard.ts'
import type { Errand } from './errands.ts'
import type { SettledPhase } from './phases.ts'
import { audit } from './stages/audit.ts'
import { capture } from './stages/capture.ts'
import { catchUp, follow } from './stages/catch-up.ts'
import { cleanup } from './stages/cleanup.ts'
import { copy, copyWhileWritten } from './stages/copy.ts'
import { cutover } from './stages/cutover.ts'
import { drain } from './stages/drain.ts'
import { fence, fenceWriting } from './stages/fence.ts'
import { finalCatchUp } from './stages/final-catch-up.ts'
import { finalize } from './stages/finalize.ts'
import { fitsWindow, hold, isHeld, onlyKeepsUp } from './stages/hold.ts'
import { preflight, refuseFindings } from './stages/preflight.ts'
import { rehearse } from './stages/rehearse.ts'
import { release } from './stages/release.ts'
import { resume, resumeAudit, resumeOnline, resumeRollback } from './stages/resume.ts'
import { undoCatchUp, undoFollow } from './stages/undo/undo-catch-up.ts'
import { undoCompare, undoVerify } from './stages/undo/undo-compare.ts'
import { undoCutover } from './stages/undo/undo-cutover.ts'
import { undoDrain } from './stages/undo/undo-drain.ts'
import { undoFence, undoFenceWriting } from './stages/undo/undo-fence.ts'
import { undoFinalCatchUp } from './stages/undo/undo-final-catch-up.ts'
import { undoRelease } from './stages/undo/undo-release.ts'
import { withdraw } from './stages/undo/withdraw.ts'
import { verify, verifyWhileWritten } from './stages/verify.ts'

/** From the source to the target. */
async function moveShard(shard: Shard): Promise<'moved' | 'hold'> {
  return await (shard.plan.strategy === 'online' ? moveOnline(shard) : moveOffline(shard))
}

/** The tenant is fenced while it is copied. */
async function moveOffline(shard: Shard): Promise<'moved' | 'hold'> {
  const standing = await resume(shard)
  if (standing === 'nothing') {
    if (await isHeld(shard)) return 'hold'
    await step(shard, preflight)
    if (!(await fitsWindow(shard))) return 'hold'
    // Writers wait from here until release.
    await step(shard, fence)
  }
  if (standing !== 'cut over') {
    refuseFindings(shard)
    await step(shard, drain)
    await step(shard, copy)
    await step(shard, verify)
    // From here the target is the truth.
    await step(shard, cutover)
  }
  await step(shard, release)
  return 'moved'
}

/** The tenant goes on writing, and is fenced for the last changes only. */
async function moveOnline(shard: Shard): Promise<'moved' | 'hold'> {
  const standing = await resumeOnline(shard)
  if (standing === 'nothing') await step(shard, preflight)
  if (standing !== 'cut over') {
    refuseFindings(shard)
    if (standing === 'nothing' || standing === 'captured') {
      // Every change is logged from here until the cutover.
      await step(shard, capture)
      await step(shard, copyWhileWritten)
    }
    if (standing === 'copied' && (await onlyKeepsUp(shard))) {
      await step(shard, hold)
      return 'hold'
    }
    await step(shard, catchUp)
    await step(shard, verifyWhileWritten)
    if (await isHeld(shard)) {
      await step(shard, hold)
      if (await isHeld(shard)) return 'hold'
    }
    await step(shard, follow)
    // Its window may have closed meanwhile.
    if (await isHeld(shard)) return 'hold'
    await tryDirectories(shard)
    // Writers wait from here until release.
    await step(shard, fenceWriting)
    await step(shard, drain)
    await step(shard, finalCatchUp)
    // From here the target is the truth.
    await step(shard, cutover)
  }
  await step(shard, release)
  return 'moved'
}

/** Back to the source: before the cutover it costs nothing, after it the ends are exchanged. */
async function rollbackShard(shard: Shard): Promise<'rolled_back'> {
  const standing = await resumeRollback(shard)
  if (standing === 'not cut over') {
    await step(shard, withdraw)
    return 'rolled_back'
  }
  if (standing !== 'cut back') {
    refuseFindings(shard)
    if (standing === 'captured') await bringBack(shard)
    else await giveBack(shard)
    // From here the source is the truth again.
    await step(shard, undoCutover)
  }
  await step(shard, undoRelease)
  return 'rolled_back'
}

/**
 * Rolls back with everything that the tenant has written at the target, while it goes on writing.
 */
async function bringBack(shard: Shard): Promise<void> {
  await step(shard, undoCatchUp)
  await step(shard, undoVerify)
  await step(shard, undoFollow)
  await tryDirectories(shard)
  // Writers wait from here until the release, now at the target.
  await step(shard, undoFenceWriting)
  await step(shard, undoDrain)
  await step(shard, undoFinalCatchUp)
}

/**
 * Rolls back to the state of the source at the cutover: no writes since, or they may be discarded.
 */
async function giveBack(shard: Shard): Promise<void> {
  await tryDirectories(shard)
  await step(shard, undoFence)
  await step(shard, undoDrain)
  await step(shard, undoCompare)
}

/** Would a rollback bring all back? Nothing is changed for that. */
async function auditShard(shard: Shard): Promise<'moved'> {
  if (await resumeAudit(shard)) {
    refuseFindings(shard)
    await step(shard, audit)
  }
  return 'moved'
}

/** Ends the rollback window: from here on a rollback would lose writes. */
async function finalizeShard(shard: Shard): Promise<'moved'> {
  await step(shard, finalize)
  return 'moved'
}

/**
 * Tests whether a move would succeed, and how long it would take. It fences nothing and leaves
 * nothing.
 */
async function rehearseShard(shard: Shard): Promise<'rehearsed'> {
  await step(shard, preflight)
  await step(shard, rehearse)
  return 'rehearsed'
}

/** Removes the copy at the end that the tenant has left. */
async function cleanupShard(shard: Shard): Promise<'cleaned'> {
  await step(shard, cleanup)
  return 'cleaned'
}

/**
 * The story of each errand; it ends in a phase in which the move has settled, or in a hold, after
 * which another attempt goes on.
 */
export const stories = {
  move: moveShard,
  rollback: rollbackShard,
  audit: auditShard,
  finalize: finalizeShard,
  cleanup: cleanupShard,
  rehearse: rehearseShard,
} as const satisfies Record<Errand, (shard: Shard) => Promise<SettledPhase | 'hold'>>
