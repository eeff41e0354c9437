// A queue of an application's own, on Redis or in PostgreSQL, with workers that end with it.
import {
  type ConnectionOptions,
  createPostgresBackend,
  type Job,
  type Processor,
  Queue,
  Worker,
} from 'bullmq'
import { Redis } from 'ioredis'
import { migrateQueueSchema } from '../../../src/queue/queues.ts'
import { type QueueBackend, uniquePrefix } from '../backends.ts'
import { createDatabase, openPool } from '../database.ts'

export type TenantJob = Job<{ tenant: string }, string>

export interface TestQueue extends AsyncDisposable {
  readonly queue: Queue<{ tenant: string }, string>
  /** Errors of its workers. */
  readonly errors: unknown[]
  work(processor: Processor<{ tenant: string }, string>): Worker
}

export async function openQueue(backend: QueueBackend): Promise<TestQueue> {
  const closing: (() => Promise<unknown>)[] = []
  const prefix = uniquePrefix()
  const database = backend.name === 'postgres' ? await createDatabase() : null
  if (database) await migrateQueueSchema(database.url)
  const connect = (): ConnectionOptions => {
    if (!database) {
      const redis = new Redis(backend.redisUrl ?? '', { maxRetriesPerRequest: null })
      closing.push(async () => redis.disconnect())
      return redis
    }
    const options = '-c search_path=bullmq'
    const pool = openPool(database.url, { max: 4, options })
    closing.push(() => pool.end())
    return pool as unknown as ConnectionOptions
  }
  const factory = (database ? createPostgresBackend : undefined) as never
  const queue = new Queue<{ tenant: string }, string>(
    'work',
    { connection: connect(), prefix },
    factory,
  )
  queue.on('error', () => {})
  const workers: Worker[] = []
  const errors: unknown[] = []
  return {
    queue,
    errors,
    work(processor) {
      const options = { connection: connect(), prefix, concurrency: 4 }
      const worker = new Worker('work', processor, options, factory)
      worker.on('error', (error) => void errors.push(error))
      workers.push(worker)
      return worker
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.close()))
      await queue.close()
      for (const close of closing) await close()
      await database?.drop()
    },
  }
}
