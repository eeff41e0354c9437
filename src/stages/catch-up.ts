/**
 * Brings what the tenant wrote during the copy, round after round, until what is left to do under
 * the fence fits into the pause that the plan allows. Then everything is compared, and what was
 * written meanwhile follows again, with a comparison of its own in each round.
 */

import type { Shard, Stage } from '../attempt/shard.ts'
import { round } from '../clock.ts'
import { refuseChangedSchema } from '../comparison/verification.ts'
import { RehomeError } from '../errors.ts'
import { feedOf } from '../follow/feeds.ts'
import type { Extent, Round } from '../follow/follower.ts'
import { followerOf } from '../follow/follower-of.ts'

/** Fixed overhead of the pause, besides the last round and the open transactions: a few commits. */
export const pauseOverheadMs = 30

/** Before everything is compared, so that little is written in the meantime. */
export const catchUp: Stage = {
  phase: 'catch_up',
  isPaced: true,
  async run(shard) {
    await shrink(shard, 'nothing')
  },
}

/**
 * Rounds that compare what they bring, so that at the end of each both ends are known to be equal,
 * until the pause is predicted to fit. Throws PAUSE_OVER_BUDGET where it stays longer.
 */
export const follow: Stage = {
  phase: 'catch_up',
  async run(shard) {
    const { budgetMs } = shard.plan.pause
    for (let tries = 1; ; tries += 1) {
      // The comparison right before has looked.
      if (tries > 1) await refuseChangedSchema(shard)
      const last = await shrink(shard, 'changes')
      const drainMs = await untilWritersEnd(shard)
      const predictedMs = last.ms + drainMs + pauseOverheadMs
      shard.evidence.predictedPauseMs = round(predictedMs)
      if (predictedMs <= budgetMs) return
      shard.tell(`not fenced: the pause would be ${Math.round(predictedMs)} ms`)
      if (tries >= roundsMax) throw tooLong(predictedMs, { budgetMs, drainMs, last })
    }
  },
}

/**
 * Rounds, each of which has less to do than the one before, until that is no longer so. Throws
 * PAUSE_OVER_BUDGET where they grow: each of those that would come would take longer still.
 */
async function shrink(shard: Shard, compared: Extent): Promise<Round> {
  const { budgetMs } = shard.plan.pause
  const took: number[] = []
  for (;;) {
    const round = await followerOf(shard).round(shard, compared)
    took.push(round.ms)
    const outlook = outlookOf(took, budgetMs)
    if (outlook === 'worse') throw tooLong(round.ms, { budgetMs, drainMs: 0, last: round })
    tellRound(shard, round)
    if (compared === 'nothing') await restAfterRound(shard, took)
    if (round.changes === 0 || outlook === 'the same') return round
  }
}

/**
 * Rests for a second at most, and not at all once a round has taken longer than the one before: the
 * tenant writes meanwhile, and what it writes the next round has to bring.
 */
export async function restAfterRound({ pace }: Shard, took: readonly number[]): Promise<void> {
  const shrinks = took.every((ms, i) => ms <= (took[i - 1] ?? Number.POSITIVE_INFINITY))
  if (shrinks) await pace?.rest(took.at(-1) ?? 0, 1_000)
}

/**
 * Predicts the next round from those that took so long, in ms, oldest first: shorter than
 * the last one, about the same, or worse.
 */
export function outlookOf(
  took: readonly number[],
  budgetMs: number,
): 'shorter' | 'the same' | 'worse' {
  let grown = 0
  let bursts = 0
  let shrank = true
  for (const [i, ms] of took.entries()) {
    const last = took[i - 1] ?? Number.POSITIVE_INFINITY
    grown = ms > budgetMs && ms > last * growth ? grown + 1 : 0
    bursts += grown
    shrank = ms <= last * 0.7
  }
  if (grown >= grownMax) return 'worse'
  return bursts >= burstsMax || (grown === 0 && !shrank) ? 'the same' : 'shorter'
}

/** A round that takes so many times as long as the one before has grown. */
const growth = 1.5

/** Rounds over the budget that have grown, one after the other: a single one may be a burst. */
const grownMax = 2

/** Bursts in all, after which rounds that shrink in between lead nowhere. */
const burstsMax = 3

/** The time that a drain that began now would take, in ms. */
function untilWritersEnd(shard: Shard): Promise<number> {
  const { tenant, signal, plan } = shard
  const drainMs = Math.max(plan.fence.drainMs, plan.pause.budgetMs)
  return feedOf(shard, 'source').waitForWriters({ tenant, drainMs, signal })
}

/** Rounds in one attempt before giving up on the budget. */
const roundsMax = 5

function tooLong(
  predictedMs: number,
  { budgetMs, drainMs, last }: { budgetMs: number; drainMs: number; last: Round },
): RehomeError {
  const rate = Math.round((last.changes * 1000) / last.ms)
  const why =
    drainMs > last.ms
      ? `transactions of the tenant stay open for ${Math.round(drainMs)} ms`
      : `${rate} rows change a second, as many as can be followed`
  const message = `the pause would be ${Math.round(predictedMs)} ms, and pause.budgetMs is ${budgetMs}: ${why}; the tenant was not fenced`
  return new RehomeError('PAUSE_OVER_BUDGET', message)
}

export function tellRound(shard: Shard, { changes, removed, brought, compared, ms }: Round): void {
  if (changes === 0) return
  shard.tell(
    `caught up with ${changes} changes in ${ms} ms: ${removed} rows went, ${brought} came, ${compared} compared`,
  )
}
