/** How long something waits for a tenant. */
import { durationMs } from '../duration.ts'
import { RehomeError } from '../errors.ts'

/** `5s`, `500ms`, or a number of ms; 0: not at all. Throws USAGE. */
export function holdMsOf(hold: string | number): number {
  if (typeof hold === 'string') return durationMs(hold)
  if (hold >= 0 && Number.isFinite(hold)) return hold
  throw new RehomeError('USAGE', `\`hold\` is ${hold}: write 5s, 500ms, or a number of ms`)
}
