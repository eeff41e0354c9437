// The two stores that a queue can have, for suites that must hold on both.
//
// It starts nothing (global-setup.ts does). A Redis may be shared with other runs, or be somebody
// else's: suites give their queues a prefix of their own and never flush.
import { randomUUID } from 'node:crypto'
import { describe, inject } from 'vitest'
import { indexOfName, oneOf, takesAll } from './rotation.ts'

export type QueueBackend =
  | { name: 'redis'; redisUrl: string; skip?: string }
  | { name: 'postgres'; redisUrl?: undefined; skip?: undefined }

/** Redis first. Where there is none, its entry says why in `skip`, and its URL is empty. */
export function queueBackends(): QueueBackend[] {
  return [redisBackend(), { name: 'postgres' }]
}

/** Redis, where there is one. */
export function commonBackend(): QueueBackend | undefined {
  return queueBackends().find(({ skip }) => skip === undefined)
}

/** A suite on every backend, named `title (redis)` and so on. A missing one is skipped by name. */
export function describeOnBackends(title: string, suite: (backend: QueueBackend) => void): void {
  for (const backend of queueBackends()) {
    const name = `${title} (${backend.name}${backend.skip ? `, skipped: ${backend.skip}` : ''})`
    describe.skipIf(backend.skip !== undefined)(name, () => suite(backend))
  }
}

/**
 * A suite on one backend, another one with each commit; on all of them where `npm run test:all`
 * says so. A missing one is passed over.
 */
export function describeOnOneBackend(title: string, suite: (backend: QueueBackend) => void): void {
  const there = queueBackends().filter(({ skip }) => skip === undefined)
  const taken = takesAll() ? there : oneOf(there, indexOfName(title))
  for (const backend of taken) {
    describe(`${title} (${backend.name})`, () => suite(backend))
  }
}

/** A prefix for the keys of one suite's queues. */
export function uniquePrefix(): string {
  return `test-${randomUUID().slice(0, 8)}`
}

function redisBackend(): QueueBackend {
  const redis = inject('redis')
  if ('missing' in redis) return { name: 'redis', redisUrl: '', skip: redis.missing }
  return { name: 'redis', redisUrl: redis.url }
}
