/** Evidence of an attempt, kept with its move: what was compared, by whom, and how long it took. */

import type { Shard } from '../attempt/shard.ts'
import { unprovenOf } from '../checks/http-findings.ts'

export function evidenceOf(shard: Shard): Record<string, unknown> {
  const { source, target } = shard.survey
  const rested = shard.pace?.rested()
  const unproven = unprovenOf(shard.survey, shard.ends)
  return {
    ...shard.evidence,
    ...(rested && { pace: rested }),
    ...(unproven.length > 0 && { unproven }),
    [`${shard.move.errand}PhaseMs`]: shard.phaseMs,
    source: { place: shard.ends.source.place, serverVersion: source.serverVersion },
    target: { place: shard.ends.target.place, serverVersion: target.serverVersion },
    planFingerprint: shard.run.plan_fingerprint,
    rehomeVersion: shard.run.rehome_version,
    enqueuedBy: shard.run.created_by,
    attempt: shard.move.attempt,
  }
}
