/**
 * The one commit after which the target is the tenant's home. The intent is stored by then (this
 * phase is). An answer that is lost is unknown: the flag is read back, nothing is guessed.
 */

import { directoryAtCutover, noteInCutover } from '../attempt/directory.ts'
import { holdOf, type Shard, type Stage } from '../attempt/shard.ts'
import { now } from '../clock.ts'
import type { End } from '../ends/end.ts'
import type { Flag } from '../ends/flags.ts'
import { markMovedAlso } from '../ends/postgres/directory-sql.ts'
import { RehomeError } from '../errors.ts'
import { toRehomeError } from '../postgres.ts'

export const cutover: Stage = {
  phase: 'cutover',
  async run(shard) {
    shard.lease.letGo()
    const { source, target } = shard.ends
    await commitMoved(shard, { from: source, to: target })
  },
}

/** Renewals have stopped before: the row must not change between the verification and this. */
export async function commitMoved(
  shard: Shard,
  { from, to }: { from: End; to: End },
): Promise<void> {
  const askedAt = now()
  const answer = await markMoved(shard, { from, to }).then(
    (flag) => flag ?? lost(from.name),
    (failure: unknown) => toRehomeError(failure, `the ${from.name}`),
  )
  const flag = answer instanceof RehomeError ? await readBack(shard, from) : answer
  if (!flag) throw refused(shard, from, answer)
  shard.pausedSince = askedAt - flag.heldMs
}

async function markMoved(shard: Shard, { from, to }: { from: End; to: End }): Promise<Flag | null> {
  const movedTo = to.place
  const way = { home: to, away: from }
  const also = directoryAtCutover(shard, way)
  if (!also || !from.sql) return await from.flags.markMoved({ ...holdOf(shard), movedTo })
  const moved = await markMovedAlso(from.sql, holdOf(shard), { movedTo, also })
  if (!moved) return null
  noteInCutover(shard, way, moved.rows)
  return moved.flag
}

/** The plan's own SQL was refused, so there was no commit: a failure leads back, and at once. */
function refused<T>(shard: Shard, { name }: End, answer: T): T {
  if (answer instanceof RehomeError && answer.code === 'DIRECTORY_NOT_UPDATED') {
    shard.phase = name === 'source' ? 'drain' : 'undo_drain'
  }
  return answer
}

async function readBack(shard: Shard, from: End): Promise<Flag | null> {
  const flag = await from.flags.readFlag(holdOf(shard))
  return flag?.token === shard.token && flag.mode === 'moved' ? flag : null
}

function lost(end: string): RehomeError {
  const message = `the ${end}'s fence was gone at the cutover: its lease had lapsed; nothing was changed`
  return new RehomeError('FENCE_LOST', message)
}
