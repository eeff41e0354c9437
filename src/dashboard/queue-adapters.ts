/**
 * How our queues look in Bull Board: what they are called, and that a job is called after its
 * tenant and leads to the tenant's page. Reads job data, which anybody may have edited.
 */
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import type { Errand } from '../errands.ts'
import { shorten, visible } from '../html.ts'
import type { JobPayload } from '../queue/jobs.ts'
import type { Queues } from '../queue/queues.ts'
import { payloadOf } from './retry.ts'
import { tenantPath } from './tenant-path.ts'

/** One of each queue. */
const errands = ['move', 'rollback', 'finalize', 'cleanup'] as const satisfies readonly Errand[]

type Shown = (typeof errands)[number]

const looks: Record<Shown, { displayName: string; description: string; allowRetries: boolean }> = {
  move: {
    displayName: 'Moves',
    description: 'Tenants on their way to the target. Retry starts a failed one over.',
    allowRetries: true,
  },
  rollback: {
    displayName: 'Rollbacks',
    description: 'Tenants on their way back. To try one again: rehome rollback.',
    allowRetries: false,
  },
  finalize: {
    displayName: 'Rollback windows',
    description: 'Audits of the way back of moved tenants, and ends of their windows.',
    allowRetries: false,
  },
  cleanup: {
    displayName: 'Clean-ups',
    description: 'Copies at ends that their tenants have left. To try one again: rehome cleanup.',
    allowRetries: false,
  },
}

export function queueAdapters(queues: Queues): BullMQAdapter[] {
  return errands.map((errand) => {
    const options = {
      ...looks[errand],
      // What went well is not done again; Bull Board's own type does not know this option.
      allowCompletedRetries: false,
      externalJobUrl: (job: { data: unknown }) => linkOf(payloadOf(job)),
    }
    const adapter = new BullMQAdapter(queues.byErrand[errand], options)
    adapter.setFormatter('name', (job: { data: unknown }) => nameOf(payloadOf(job)))
    return adapter
  })
}

function nameOf(payload: JobPayload | null): string {
  return payload ? shorten(visible(payload.tenantId), 120) : '(its data was changed)'
}

function linkOf(payload: JobPayload | null): { href: string; displayText: string } {
  if (!payload) return { href: '/', displayText: '' }
  return { href: tenantPath(payload.runId, payload.tenantId), displayText: 'tenant page ↗' }
}
