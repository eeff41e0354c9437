// Requests and answers get lost between a worker and its ends: what was done is done once, each
// tenant has exactly one home, and all that a tenant wrote meanwhile is there. The stories take
// turns; lost-online.all.test.ts has the one that is missing here.
import { test } from 'vitest'
import { loseAnswer, loseRequest, type Trouble } from '../../helpers/http/http-trouble.ts'
import { loseOnline } from '../../helpers/http/lossy-online.ts'
import { loseEachKindOnce } from '../../helpers/http/lossy-story.ts'
import { partOf } from '../../helpers/rotation.ts'

const loseOffline = (trouble: Trouble) =>
  loseEachKindOnce(trouble, {
    there: ['rows/read', 'rows/write', 'flags/raise-fence', 'flags/mark-moved'],
    back: ['flags/raise-fence', 'rows/digest', 'flags/mark-moved', 'flags/remove-flag'],
    writes: false,
  })

const stories: [string, () => Promise<void>][] = [
  ['lose six answers each move, and come back, with every row once', () => loseOffline(loseAnswer)],
  [
    'lose six requests each move, and come back, with every row once',
    () => loseOffline(loseRequest),
  ],
  [
    'write and lose six answers each move, and come back, with all they wrote',
    () => loseOnline(loseAnswer),
  ],
]

test.each(partOf(stories, 3))('tenants that %s', { timeout: 300_000 }, (_, story) => story())
