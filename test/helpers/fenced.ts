// Raising fences without a whole attempt around them: each call takes the next turn first, as an
// attempt does.
import type { Flag, Hold, Raise } from '../../src/ends/flags.ts'
import * as flags from '../../src/ends/postgres/fence/tenant-flags.ts'
import { takeTurn } from '../../src/ends/postgres/fence/turns.ts'
import type { Pool } from '../../src/postgres.ts'

let turns = 0

export async function nextTurn(pool: Pool, hold: Hold): Promise<void> {
  turns += 1
  if (!(await takeTurn(pool, hold, String(turns)))) throw new Error('the turn was not taken')
}

export async function raiseFence(pool: Pool, raise: Raise): Promise<boolean> {
  await nextTurn(pool, raise)
  return (await flags.raiseFence(pool, raise)) !== null
}

export async function claimTarget(
  pool: Pool,
  claim: Parameters<typeof flags.claimTarget>[1],
): Promise<Flag | null> {
  await nextTurn(pool, claim)
  return await flags.claimTarget(pool, claim)
}
