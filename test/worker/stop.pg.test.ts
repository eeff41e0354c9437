// A worker that receives SIGTERM in the last phases of a move, at a third of the calls that it
// makes there: in three successive commits at all of them. All at once: stop.all.test.ts.
import { test } from 'vitest'
import { stopMoves } from '../helpers/attempts/stops.ts'
import { isInPart } from '../helpers/rotation.ts'

test.each(['offline', 'online'] as const)(
  'an %s move that is stopped has one home',
  async (strategy) => await stopMoves(strategy, (place) => isInPart(place, 3)),
)
