// A set of Redis servers as people run them: a master, its replica, and Sentinels that watch them.
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { type RedisServer, randomPassword, startRedis } from '../../../dev/redis/redis.ts'

export interface RedisSet extends AsyncDisposable {
  /** For REDIS_URL. */
  readonly url: string
  /** Kills the master, for good. The replica takes over. */
  killMaster(): Promise<void>
}

class Servers {
  readonly #all: RedisServer[] = []

  async start(options: Parameters<typeof startRedis>[0]): Promise<RedisServer> {
    const server = await startRedis(options)
    this.#all.push(server)
    return server
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((server) => server.stop()))
  }
}

/** A master, its replica, and three Sentinels that ask for a password of their own. */
export async function startSentinelSet(): Promise<RedisSet> {
  const [password, sentinelPassword] = [randomPassword(), randomPassword()]
  const servers = new Servers()
  const start = servers.start.bind(servers)
  try {
    const master = await start({ name: 'master', password, settings: { masterauth: password } })
    const replicaof = `127.0.0.1 ${master.port}`
    const replica = await start({
      ...{ name: 'replica', password, settings: { masterauth: password, replicaof } },
    })
    await linked(replica)
    const settings = {
      'sentinel monitor': `main 127.0.0.1 ${master.port} 2`,
      'sentinel auth-pass': `main ${password}`,
      'sentinel down-after-milliseconds': 'main 1000',
      'sentinel failover-timeout': 'main 5000',
      'sentinel sentinel-pass': sentinelPassword,
    }
    const sentinel = () =>
      start({ name: 'sentinel', password: sentinelPassword, settings, args: ['--sentinel'] })
    const sentinels = [await sentinel(), await sentinel(), await sentinel()]
    const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')
    await until(sentinels, async (one) => {
      const [state = []] = (await ask(one, 'sentinel', 'sentinels', 'main')) as [string[]?]
      return state.length > 0
    })
    return {
      url: `redis+sentinel://:${password}@${hosts}/main?sentinelPassword=${sentinelPassword}`,
      killMaster: () => master.down('immediate'),
      [Symbol.asyncDispose]: () => servers.stop(),
    }
  } catch (error) {
    await servers.stop()
    throw error
  }
}

async function linked(replica: RedisServer): Promise<void> {
  await until([replica], async (one) =>
    String(await ask(one, 'info', 'replication')).includes('master_link_status:up'),
  )
}

async function until(
  servers: readonly RedisServer[],
  holds: (server: RedisServer) => Promise<boolean>,
): Promise<void> {
  for (const server of servers) {
    const deadline = Date.now() + 30_000
    while (!(await holds(server))) {
      if (Date.now() > deadline) throw new Error(`the server on port ${server.port} is not ready`)
      await delay(100)
    }
  }
}

async function ask(
  server: RedisServer | undefined,
  ...[command, ...args]: readonly [string, ...(string | number)[]]
): Promise<unknown> {
  const redis = new Redis(server?.url ?? '', { lazyConnect: true })
  redis.on('error', () => {})
  try {
    await redis.connect()
    return await redis.call(command, ...args)
  } finally {
    redis.disconnect()
  }
}
