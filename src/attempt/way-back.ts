/** A shard on its way back: what was its source is its target. */

import { surveyBack } from '../checks/survey.ts'
import type { Evidence } from '../control/database.ts'
import { itemAt, known } from '../known.ts'
import type { Shard } from './shard.ts'

const other = { source: 'target', target: 'source' } as const

/** The plan's own direction, for a shard that goes back already. */
export function wayBackOf(shard: Shard): Shard {
  const { ends, among, keys, goesBack = false } = shard
  const survey = surveyBack(shard.survey)
  const before = new Map(survey.routes.map((route, i) => [route, itemAt(shard.survey.routes, i)]))
  return {
    ...shard,
    ends: { source: ends.target, target: ends.source },
    survey,
    goesBack: !goesBack,
    ...(among && {
      among: (route, end) => among(known(before.get(route)), other[end]),
    }),
    ...(keys && {
      keys: (route, end) => keys(known(before.get(route)), other[end]),
    }),
    evidence: goesBack ? shard.evidence : evidenceBack(shard),
  }
}

/** Beside what the move itself has left. */
function evidenceBack({ evidence, move }: Shard): Evidence {
  if (move.errand !== 'rollback') return {}
  evidence.rollback ??= {}
  return evidence.rollback
}
