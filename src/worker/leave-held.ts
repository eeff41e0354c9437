/**
 * The end of an attempt at a held move. Online, changes go on being logged until the next look;
 * offline, nothing of the tenant has been fenced.
 */
import { retreat } from '../attempt/retreat.ts'
import type { Shard } from '../attempt/shard.ts'
import { keepHeld, untilText } from '../control/fleet/holds.ts'
import { opensAtOf, troubleOf } from '../stages/hold.ts'
import type { Claimed, Outcome } from './claimed.ts'
import { evidenceOf } from './evidence.ts'
import { handOverMs } from './failure.ts'

/** Offline there is nothing to do until the hold ends, and what ends it makes the next look due. */
const dayMs = 86_400_000

export async function leaveHeld({ options, move, token }: Claimed, shard: Shard): Promise<Outcome> {
  const { strategy, hold, fence } = shard.plan
  const isOnline = strategy === 'online'
  const captureMs = isOnline ? hold.everyMs + fence.leaseMs + handOverMs : null
  await retreat(shard, { end: 'source', captureMs })
  const opensAt = await opensAtOf(shard)
  const trouble = troubleOf(shard)
  // One that has copied again has results of its own.
  const isRepeated = isOnline && move.phase === 'hold' && shard.phaseMs.copy === undefined
  const until = untilText(move.run_id, { held: move.held, until: opensAt ?? move.complete_after })
  const isNews = !isRepeated || (move.error_code !== null) !== (trouble !== null)
  const standing = trouble ? `; ${trouble.code}: ${trouble.message}` : isOnline ? '; keeps up' : ''
  const message = `held before its ${isOnline ? 'cutover' : 'start'} ${until}${standing}`
  if (isNews) options.tell(message)
  const waitMs = await keepHeld(
    options.control,
    { id: move.id, token, attempt: move.attempt },
    {
      phase: isOnline ? 'hold' : 'queued',
      everyMs: isOnline ? hold.everyMs : dayMs,
      opensAt,
      leadMs: shard.evidence.hold?.leadMs ?? 0,
      trouble,
      isRepeated,
      message: isNews ? message : null,
      // The times of the attempt that copied and compared stay as they were.
      evidence: isRepeated ? { hold: shard.evidence.hold } : evidenceOf(shard),
    },
  )
  return waitMs === null ? { kind: 'nothing to do' } : { kind: 'held', waitMs }
}
