/**
 * The first thing that an attempt does at the ends: from here on every earlier one is refused,
 * however late it wakes up, and what it had under way there is ended.
 */
import type { End } from '../ends/end.ts'
import type { Flag } from '../ends/flags.ts'
import { RehomeError } from '../errors.ts'
import { allOf } from '../parallel.ts'
import { holdOf, type Shard } from './shard.ts'

type Turns = Pick<Shard, 'plan' | 'tenant' | 'token' | 'turn' | 'ends'>

/**
 * Returns the flags that stand there. Throws MOVE_TAKEN_OVER where a later attempt has been at one
 * of the ends.
 */
export async function takeTurns(of: Turns): Promise<Shard['flagsFound']> {
  const { source, target } = of.ends
  const [there, here] = await allOf([takeTurnAt(of, source), takeTurnAt(of, target)])
  return { source: there, target: here }
}

async function takeTurnAt(of: Turns, end: End): Promise<Flag | null> {
  const turn = await end.flags.takeTurn({ ...holdOf(of), turn: of.turn })
  if (turn) return turn.flag
  const message = `a later attempt than number ${of.turn} has been at the ${end.name}; if the control database is older than that, run \`rehome init\``
  throw new RehomeError('MOVE_TAKEN_OVER', message)
}
