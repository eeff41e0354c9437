/** Named queries on the event log. Events are only added; a retention removes those of old runs. */
import { storable, storableJson } from '../errors.ts'
import type { Control, MoveEvent } from './database.ts'

/** Whatever a caller puts into an event is stored without secrets: no event is ever changed. */
export interface NewEvent {
  readonly moveId: string
  readonly attempt: number
  readonly kind: 'asked' | 'phase' | 'failed' | 'waiting' | 'settled'
  readonly phase?: string
  readonly message: string
  readonly data?: Record<string, unknown>
}

export async function addEvents(control: Pick<Control, 'db'>, events: NewEvent[]): Promise<void> {
  if (events.length === 0) return
  const rows = events.map((event) => ({
    move_id: event.moveId,
    attempt: event.attempt,
    kind: event.kind,
    phase: event.phase ?? null,
    message: storable(event.message),
    data: storableJson(event.data ?? {}),
  }))
  await control.db.insertInto('events').values(rows).execute()
}

export async function eventsOf(control: Control, moveId: string): Promise<MoveEvent[]> {
  const query = control.db.selectFrom('events').selectAll().where('move_id', '=', moveId)
  return await query.orderBy('id').execute()
}
