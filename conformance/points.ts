/** Every point, in the order in which an end is best mended. */
import type { Point } from './point.ts'
import { authPoints } from './points/auth.ts'
import { batchPoints } from './points/batches.ts'
import { capturePoints } from './points/captures.ts'
import { claimPoints } from './points/claims.ts'
import { cutoverPoints } from './points/cutovers.ts'
import { descriptionPoints } from './points/description.ts'
import { digestPoints } from './points/digests.ts'
import { fencePoints } from './points/fences.ts'
import { readingPoints } from './points/reading.ts'
import { refusedBatchPoints } from './points/refused-batches.ts'
import { removalPoints } from './points/removals.ts'
import { requestPoints } from './points/requests.ts'
import { sequencePoints } from './points/sequences.ts'
import { stepPoints } from './points/steps.ts'
import { passedTurnPoints, turnPoints } from './points/turns.ts'

export const points: readonly Point[] = [
  ...authPoints,
  ...descriptionPoints,
  ...requestPoints,
  ...readingPoints,
  ...digestPoints,
  ...sequencePoints,
  ...turnPoints,
  ...fencePoints,
  ...cutoverPoints,
  ...claimPoints,
  ...capturePoints,
  ...passedTurnPoints,
  ...batchPoints,
  ...refusedBatchPoints,
  ...removalPoints,
  ...stepPoints,
]

/** `fences.raise` is of `fences`, and of itself. */
export function isOf(name: string, group: string): boolean {
  return name === group || name.startsWith(`${group}.`)
}
