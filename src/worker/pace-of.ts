/** The pace of an attempt, where its plan has one; its move shows the reason. */
import { createPace, type Pace } from '../attempt/pace.ts'
import { storeProgress } from '../control/moves.ts'
import type { Ends } from '../ends/end.ts'
import type { Plan } from '../plan/plan.ts'
import type { Claimed } from './claimed.ts'

export function paceOf(
  { options, move, token, abort }: Claimed,
  { plan, ends }: { readonly plan: Plan; readonly ends: Ends },
): Pace | undefined {
  const { pace } = plan
  if (!pace) return undefined
  const held = { id: move.id, token, attempt: move.attempt }
  let shown: string | null = null
  let stored = Promise.resolve<unknown>(null)
  return createPace({
    pace,
    ends,
    tenant: move.tenant_id,
    signal: abort.signal,
    onChange(reason) {
      const isNews = (reason === null) !== (shown === null)
      shown = reason
      const message = reason === null ? 'goes on at full speed' : `gives way: ${reason}`
      if (isNews) options.tell(message)
      const change = { givesWay: reason, ...(isNews && { message }) }
      // One after the other. Where it cannot be stored, only people lack it.
      stored = stored
        .then(() => storeProgress(options.control, held, change))
        .catch((error: unknown) => options.log.debug({ err: error }, 'could not show the pace'))
    },
  })
}
