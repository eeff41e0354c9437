/**
 * The state of its source that an end has come to. Only the attempt that holds the end's flag
 * changes it, so an attempt that has read or written it knows it.
 */
import type { Shard } from '../../attempt/shard.ts'

/** A `pg_snapshot` of the other end. undefined: this attempt does not know it yet. */
export function seenBy({ ends, epoch, seen }: Shard): string | undefined {
  return seen.get(`${ends.target.name} ${epoch}`)
}

/** Once it is committed there. */
export function noteSeen({ ends, epoch, seen }: Shard, snapshot: string): void {
  seen.set(`${ends.target.name} ${epoch}`, snapshot)
}
