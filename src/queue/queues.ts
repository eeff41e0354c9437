/**
 * BullMQ's queues, on Redis or in the control database. They mean "look at this move" and nothing
 * else: what is lost here is found again in the control database.
 */
import { once } from 'node:events'
import {
  type BackendFactory,
  type ConnectionOptions,
  createPostgresBackend,
  type Processor,
  Queue,
  type RedisQueueBackend,
  runMigrations,
  SchemaMigrationRequiredError,
  Worker,
} from 'bullmq'
import type { Cluster, Redis } from 'ioredis'
import pg from 'pg'
import { sleep } from '../clock.ts'
import { type Errand, eachErrand, termsOf } from '../errands.ts'
import { messageOf, RehomeError } from '../errors.ts'
import { setNewerSettings, startupOptions } from '../postgres.ts'
import { prepareRepeated } from '../sessions/prepared.ts'
import { sessionSettings } from '../sessions/settings.ts'
import { telemetryOption } from './queue-traces.ts'
import { connectRedis, type RedisUse, refuseBadRedisUrl } from './redis-url.ts'

/** BullMQ's own default, and the only one that it takes with a pool of ours. */
const schema = 'bullmq'

/** Queues of both kinds are used alike, so both have the types of those on Redis. */
const inPostgres: BackendFactory<RedisQueueBackend, ConnectionOptions> =
  createPostgresBackend as never
const connectionBy = (pool: pg.Pool): ConnectionOptions => pool as never

export interface QueueStore {
  readonly kind: 'redis' | 'postgres'
  readonly url: string
  /** The prefix of this installation: two of them can share one Redis. */
  readonly prefix: string
}

export interface Queues {
  readonly store: QueueStore
  readonly byErrand: Readonly<Record<Errand, Queue>>
  /** Throws UNREACHABLE where the store refuses, or does not answer within 5 s. */
  ready(): Promise<void>
  /** Redis's `maxmemory-policy`. null: there is no Redis, or it does not tell. */
  evictionPolicy(): Promise<string | null>
  /** The connection of all workers that take jobs from these queues. */
  readonly workers: Pick<Connected, 'postgres' | 'options'>
  /** After its workers have closed. */
  close(): Promise<void>
}

/**
 * `redisUrl` empty or absent: BullMQ's own tables in the control database. Throws SETTING_MISSING
 * where it is no URL of a Redis.
 */
export function queueStore(options: {
  redisUrl: string | undefined
  controlUrl: string
  installation: string
}): QueueStore {
  const { redisUrl, controlUrl, installation } = options
  const prefix = `{rehome-${installation.slice(0, 8)}}`
  if (redisUrl) refuseBadRedisUrl(redisUrl)
  return redisUrl
    ? { kind: 'redis', url: redisUrl, prefix }
    : { kind: 'postgres', url: controlUrl, prefix }
}

/**
 * Opens the queues. A caller sees a connection's errors when it uses it; `onError` gets all of
 * them.
 */
export function openQueues(store: QueueStore, onError: (error: Error) => void): Queues {
  const connection = connect(store, 'producer', onError)
  let waiting: Connected | null = null
  const open = (name: string) => {
    const options = { ...connection.options, ...telemetryOption() }
    const queue = connection.postgres
      ? new Queue(name, options, inPostgres)
      : new Queue(name, options)
    queue.on('error', onError)
    return queue
  }
  const opened = new Map<string, Queue>()
  const byErrand = eachErrand((errand) => {
    const { queue: name } = termsOf(errand)
    const queue = opened.get(name) ?? open(name)
    opened.set(name, queue)
    return queue
  })
  return {
    store,
    byErrand,
    get workers() {
      waiting ??= connection.postgres ? connection : connect(store, 'worker', onError)
      return waiting
    },
    ready: () => answers(byErrand.move, { ...connection, kind: store.kind }),
    async evictionPolicy() {
      const text = await connection.redis?.info('memory')
      return /^maxmemory_policy:(\S+)/m.exec(text ?? '')?.[1] ?? null
    },
    async close() {
      // What has never connected would be waited for.
      if (!connection.isOpen()) connection.close()
      await Promise.all([...opened.values()].map((queue) => queue.close()))
      connection.close()
      waiting?.close()
    },
  }
}

const answerMs = 5_000

async function answers(
  queue: Queue,
  { kind, opened }: Pick<Connected, 'opened'> & Pick<QueueStore, 'kind'>,
): Promise<void> {
  const give = new AbortController()
  const late = sleep(answerMs, give.signal).then(() => {
    throw new Error(`no answer within ${answerMs} ms`)
  })
  try {
    const answered = opened().then(() => queue.getJobCounts('waiting'))
    await Promise.race([answered, late])
  } catch (error) {
    if (lacksTables(error)) {
      const message = 'the control database lacks the queue: run `rehome init`'
      throw new RehomeError('NOT_INSTALLED', message, { cause: error })
    }
    const where = kind === 'redis' ? 'Redis' : 'the queue in the control database'
    const message = `${where} is out of reach: ${messageOf(error)}`
    throw new RehomeError('UNREACHABLE', message, { cause: error })
  } finally {
    late.catch(() => {})
    give.abort()
  }
}

export interface WorkerSettings {
  readonly concurrency: number
  /** How long a job stays with a worker that has died. Default 10,000; the look adds up to half. */
  readonly lockMs?: number | undefined
  readonly onError: (error: Error) => void
}

/** On the connections of `queues`, which are closed after it. */
export function openWorker(
  queues: Queues,
  name: string,
  work: { processor: Processor; settings: WorkerSettings },
): Worker {
  const { concurrency, onError, lockMs = 10_000 } = work.settings
  const { postgres, options: connected } = queues.workers
  const options = {
    ...connected,
    ...telemetryOption(),
    concurrency,
    // A limit that is raised is seen by a worker that waits within 2 s.
    drainDelay: 2,
    lockDuration: lockMs,
    stalledInterval: lockMs / 2,
    // How often a move is tried is counted in the control database, not here.
    maxStalledCount: 1_000_000,
    // Counts the jobs that have ended, for BullMQ's exporter; of their course it keeps one minute.
    metrics: { maxDataPoints: 1 },
  }
  const worker = postgres
    ? new Worker(name, work.processor, options, inPostgres)
    : new Worker(name, work.processor, options)
  worker.on('error', onError)
  return worker
}

interface Connected {
  readonly postgres: boolean
  readonly redis: Redis | Cluster | null
  readonly options: { connection: ConnectionOptions; prefix: string }
  isOpen(): boolean
  /** Rejects where the first connection is refused. */
  opened(): Promise<void>
  close(): void
}

function connect(store: QueueStore, use: RedisUse, onError: (error: Error) => void): Connected {
  const { prefix } = store
  if (store.kind === 'postgres') {
    const pool = queuePool(store.url, onError)
    const options = { connection: connectionBy(pool), prefix }
    const close = () => void (pool.ending || pool.end())
    return {
      postgres: true,
      redis: null,
      options,
      isOpen: () => true,
      opened: async () => {},
      close,
    }
  }
  const redis = connectRedis(store.url, use)
  redis.on('error', onError)
  const options = { connection: redis, prefix }
  const isOpen = () => redis.status === 'ready'
  const opened = async () => void (isOpen() || (await once(redis, 'ready')))
  return { postgres: false, redis, options, isOpen, opened, close: () => redis.disconnect() }
}

/**
 * One for all queues and workers of a process: each worker keeps a connection to hear of new jobs,
 * the others serve what is asked in between.
 *
 * Ours instead of BullMQ's, because a connection that breaks while it is checked out is an error
 * without a listener there, and would end the process.
 */
function queuePool(url: string, onError: (error: Error) => void): pg.Pool {
  const options = startupOptions(queueSettings)
  const onConnect = setNewerSettings
  const pool = new pg.Pool({ connectionString: url, max: 8, keepAlive: true, options, onConnect })
  pool.setMaxListeners(0)
  pool.on('error', onError)
  pool.on('connect', (client) => {
    client.on('error', () => {})
    prepareRepeated(client, pool)
  })
  return pool
}

/** BullMQ's statements name no schema, and wait for locks as long as BullMQ wants. */
const queueSettings = { ...sessionSettings, search_path: `${schema}, pg_temp`, lock_timeout: '0' }

/** BullMQ's own tables, when the control database is the queue. Returns whether any are missing. */
export async function queueSchemaIsReady(url: string): Promise<boolean> {
  const pool = queuePool(url, () => {})
  const options = { connection: connectionBy(pool) }
  const probe = new Queue(termsOf('move').queue, options, inPostgres)
  probe.on('error', () => {})
  try {
    await probe.waitUntilReady()
    return true
  } catch (error) {
    if (lacksTables(error)) return false
    throw error
  } finally {
    await probe.close().catch(() => {})
    await pool.end()
  }
}

function lacksTables(error: unknown): boolean {
  return error instanceof SchemaMigrationRequiredError
}

export async function migrateQueueSchema(url: string): Promise<void> {
  const options = startupOptions(queueSettings)
  const client = new pg.Client({ connectionString: url, options })
  await client.connect()
  try {
    await setNewerSettings(client)
    await runMigrations(client, schema)
  } catch (error) {
    throw new RehomeError('DATABASE_ERROR', 'the queue tables could not be installed', {
      cause: error,
    })
  } finally {
    await client.end()
  }
}
