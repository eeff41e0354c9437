/**
 * The first thing that an attempt does at the ends: from here on every earlier one is refused,
 * however late it wakes up, and what it had under way there is ended.
 */
import type { End } from '../ends/end.ts'
import { RehomeError } from '../errors.ts'
import { holdOf, type Shard } from './shard.ts'

/** Throws MOVE_TAKEN_OVER where a later attempt has been at one of the ends. */
export async function takeTurns(shard: Shard): Promise<void> {
  await takeTurnAt(shard, shard.ends.source)
  await takeTurnAt(shard, shard.ends.target)
}

async function takeTurnAt(shard: Shard, end: End): Promise<void> {
  if (await end.flags.takeTurn({ ...holdOf(shard), turn: shard.turn })) return
  const message = `a later attempt than number ${shard.turn} has been at the ${end.name}; if the control database is older than that, run \`rehome init\``
  throw new RehomeError('MOVE_TAKEN_OVER', message)
}
