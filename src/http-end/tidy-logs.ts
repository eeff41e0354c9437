/**
 * Removes log entries of captures that are over, now and then, when workers send requests anyway.
 */
import { forgetLeftChanges } from '../ends/postgres/changes/change-log.ts'
import type { Logger } from '../log.ts'
import { type Pool, toRehomeError } from '../postgres.ts'

const everyMs = 10 * 60_000

/** Runs in the background, and never rejects. */
export function createTidying(pool: Pool, log: Pick<Logger, 'warn'> | undefined): () => void {
  let next = performance.now() + everyMs
  return () => {
    if (performance.now() < next) return
    next = performance.now() + everyMs
    forgetLeftChanges(pool).catch((cause: unknown) => {
      log?.warn({ err: toRehomeError(cause, 'the database') }, 'logs of changes were not tidied up')
    })
  }
}
