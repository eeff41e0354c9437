// What is lost between a worker and its ends while the tenants go on writing.

import { ownIds } from '../way-back.ts'
import type { Trouble } from './http-trouble.ts'
import { loseEachKindOnce } from './lossy-story.ts'

const write = `update notes set body = body || '.', parent_id = id where tenant_id = $1`

/** Tenants move online, and come back; each request of a kind, or each answer, is lost once. */
export async function loseOnline(trouble: Trouble): Promise<void> {
  await loseEachKindOnce(trouble, {
    plan: { strategy: 'online' },
    target: ownIds,
    writes: true,
    there: ['feed/apply', 'feed/changes', 'feed/write-checkpoint', 'flags/mark-moved'],
    back: ['feed/apply', 'feed/changes', 'flags/mark-moved'],
    async onAsked(world, { end, operation, tenant }) {
      if (end !== 'source' || operation !== 'feed/position') return
      await world.source.pool.query(write, [tenant]).catch(() => {})
    },
  })
}
