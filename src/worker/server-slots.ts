/** An attempt within the limits of its servers; see control/fleet/server-slots.ts. */
import { randomUUID } from 'node:crypto'
import type { Control } from '../control/database.ts'
import { freeSlots, renewSlots, takeSlots } from '../control/fleet/server-slots.ts'
import type { PlannedMove } from '../control/workers.ts'
import type { Logger } from '../log.ts'

/** A third of the time after which slots are taken for those of a dead attempt. */
const renewMs = 10_000

/** null: a server has as many moves under way as it allows, and the work was not begun. */
export async function withSlots<T>(
  { control, log }: { readonly control: Control; readonly log: Logger },
  move: Pick<PlannedMove, 'id' | 'needs_slot'>,
  work: () => Promise<T>,
): Promise<T | null> {
  if (!move.needs_slot) return await work()
  const holder = { moveId: move.id, by: randomUUID() }
  if (!(await takeSlots(control, holder))) return null
  // Without its slots the attempt goes on: the limit spares a server, it protects no rows.
  const failed = (err: unknown) => log.warn({ err, move: move.id }, 'could not keep a slot')
  const timer = setInterval(() => void renewSlots(control, holder).catch(failed), renewMs)
  try {
    return await work()
  } finally {
    clearInterval(timer)
    await freeSlots(control, holder).catch(failed)
  }
}
