// Requests and answers get lost between a worker and its ends: what was done is done once, and each
// tenant has exactly one home.
import { test } from 'vitest'
import { loseAnswer, loseRequest, type Trouble } from '../helpers/http-trouble.ts'
import { loseEachKindOnce } from '../helpers/lossy-story.ts'

test.each<[string, Trouble]>([
  ['answer', loseAnswer],
  ['request', loseRequest],
])(
  'tenants that lose six %ss each move, and come back, with every row once',
  {
    timeout: 300_000,
  },
  async (_, trouble) => {
    await loseEachKindOnce(trouble, {
      there: ['rows/read', 'rows/write', 'flags/raise-fence', 'flags/mark-moved'],
      back: ['flags/raise-fence', 'rows/digest', 'flags/mark-moved', 'flags/remove-flag'],
      writes: false,
    })
  },
)
