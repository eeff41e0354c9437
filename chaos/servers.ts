/**
 * The servers of the chaos: a PostgreSQL for each of source, target and control, and a Redis if
 * the queue is to live there. All of them are its own, and end with it however it ends.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type PostgresServer, startPostgres } from '../dev/postgres.ts'
import { type RedisServer, startRedis } from '../dev/redis/redis.ts'
import { findRedisProgram, installRedis } from '../dev/redis/redis-program.ts'
import { install } from '../src/coordinator/installation.ts'
import { checkPlan } from '../src/plan/check-plan.ts'
import type { Urls } from './faults/network.ts'
import { plansOf } from './plan.ts'
import { type Ends, fillEnds } from './tenants.ts'

export type Queue = 'redis' | 'postgres'

export interface Servers extends AsyncDisposable {
  readonly postgres: Readonly<Record<'source' | 'target' | 'control', PostgresServer>>
  readonly redis: RedisServer | null
  /** URLs of the databases themselves, without a proxy. */
  readonly urls: Urls & Ends<string> & { readonly control: string }
}

/** Starts it again, though another program may hold its port for a moment, or all stand still. */
export async function bringBack(server: Pick<PostgresServer | RedisServer, 'up'>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await server.up()
    } catch (error) {
      if (tries === 5) throw error
      await delay(1_000 * tries)
    }
  }
}

/** Filled and installed. Rejects where the queue is to be in a Redis and there is none. */
export async function startServers(queue: Queue): Promise<Servers> {
  const started: AsyncDisposable[] = []
  const stop = async () => {
    await Promise.all(started.splice(0).map((one) => one[Symbol.asyncDispose]()))
  }
  const own = async <T extends AsyncDisposable>(starting: Promise<T>): Promise<T> => {
    const one = await starting
    started.push(one)
    return one
  }
  try {
    const redis = queue === 'redis' ? await own(ownRedis()) : null
    const postgres = {
      source: await own(server('source')),
      target: await own(server('target')),
      control: await own(server('control')),
    }
    const urls = {
      source: postgres.source.urlOf('application'),
      target: postgres.target.urlOf('application'),
      control: postgres.control.urlOf('rehome'),
      ...(redis && { redis: redis.url }),
    }
    await postgres.source.createDatabase('application')
    await postgres.target.createDatabase('application')
    await postgres.control.createDatabase('rehome')
    await fillEnds(urls)
    const at = { controlUrl: urls.control, redisUrl: redis?.url, environment: environmentOf(urls) }
    const { source, target } = plansOf('mixed')
    await install(at, [...source, ...target].map(checkPlan))
    return { postgres, redis, urls, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The environment of a worker, or of the library. */
export function environmentOf(urls: Urls): Record<string, string> {
  return {
    SOURCE_URL: urls.source ?? '',
    TARGET_URL: urls.target ?? '',
    CONTROL_URL: urls.control ?? '',
    REDIS_URL: urls.redis ?? '',
  }
}

async function server(name: string): Promise<PostgresServer> {
  // When a transaction was committed tells in which order two ends took writes.
  return await startPostgres({ name: `chaos-${name}`, settings: { track_commit_timestamp: 'on' } })
}

async function ownRedis(): Promise<RedisServer> {
  const program = findRedisProgram() ?? (await installRedis())
  if ('missing' in program) throw new Error(program.missing)
  return await startRedis({ name: 'chaos-redis' })
}
