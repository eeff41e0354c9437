// The same losses while the tenants go on writing: each has exactly one home, and all that it wrote
// is there.
import { test } from 'vitest'
import { loseAnswer, loseRequest, type Trouble } from '../helpers/http-trouble.ts'
import { loseEachKindOnce } from '../helpers/lossy-story.ts'
import { ownIds } from '../helpers/way-back.ts'

const write = `update notes set body = body || '.', parent_id = id where tenant_id = $1`

test.each<[string, Trouble]>([
  ['answer', loseAnswer],
  ['request', loseRequest],
])(
  'tenants that write and lose six %ss each move, and come back, with all they wrote',
  {
    timeout: 300_000,
  },
  async (_, trouble) => {
    await loseEachKindOnce(trouble, {
      plan: { strategy: 'online' },
      target: ownIds,
      writes: true,
      there: ['feed/apply', 'feed/changes', 'feed/write-sync', 'flags/mark-moved'],
      back: ['feed/apply', 'feed/changes', 'flags/mark-moved'],
      async onAsked(world, { end, operation, tenant }) {
        if (end !== 'source' || operation !== 'feed/position') return
        await world.source.pool.query(write, [tenant]).catch(() => {})
      },
    })
  },
)
