// Workers die in moves: after each call that may have changed something, for a tenant of its own,
// and then, one after the other, before and after every call. See deaths.pg.test.ts for what has to
// hold, and for how one place is tried.
import { describe } from 'vitest'
import { diesAnywhere } from '../helpers/attempts/dies-anywhere.ts'
import { stories } from '../helpers/attempts/stories.ts'

const { move, onlineMove, heldMove, keptMove } = stories

describe.each([move, onlineMove, heldMove, keptMove])('$name', diesAnywhere)
