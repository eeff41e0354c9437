// A worker that receives SIGTERM in the last phases of a move: at each call that it makes there.
import { test } from 'vitest'
import { stopMoves } from '../helpers/attempts/stops.ts'

test.each(['offline', 'online'] as const)(
  'an %s move that is stopped at any call has one home',
  async (strategy) => await stopMoves(strategy, () => true),
  180_000,
)
