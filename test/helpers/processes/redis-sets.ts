// Sets of Redis servers as people run them: a master and its replica behind Sentinels; a Cluster.
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from '../../../dev/free-port.ts'
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

export interface RedisCluster extends AsyncDisposable {
  /** For REDIS_URL; names some of the servers. */
  readonly url: string
  /** Kills the master that has these keys, for good. Its replica takes over. */
  killMasterOf(key: string): Promise<void>
}

const slots = 16_384

/** Three masters and a replica of each, which notice within a second that one is dead. */
export async function startCluster(): Promise<RedisCluster> {
  const password = randomPassword()
  const servers = new Servers()
  try {
    const nodes: Node[] = []
    for (let i = 0; i < 6; i += 1) nodes.push(await startNode(servers, password))
    const [first, ...others] = nodes
    for (const { server, bus } of others) {
      await ask(first?.server, 'cluster', 'meet', '127.0.0.1', server.port, bus)
    }
    const masters = nodes.slice(0, 3)
    const share = Math.ceil(slots / masters.length)
    for (const [i, { server }] of masters.entries()) {
      const last = Math.min(slots, (i + 1) * share) - 1
      await ask(server, 'cluster', 'addslotsrange', i * share, last)
    }
    const all = nodes.map(({ server }) => server)
    await until(all, async (one) => known(await ask(one, 'cluster', 'nodes')).length === 6)
    for (const [i, { server }] of nodes.slice(3).entries()) {
      await ask(
        server,
        'cluster',
        'replicate',
        String(await ask(masters[i]?.server, 'cluster', 'myid')),
      )
      await linked(server)
    }
    const info = async (one: RedisServer) => String(await ask(one, 'cluster', 'info'))
    await until(all, async (one) => (await info(one)).includes('cluster_state:ok'))
    const hosts = all.slice(0, 4).map(({ port }) => `127.0.0.1:${port}`)
    return {
      url: `redis+cluster://:${password}@${hosts.join(',')}`,
      async killMasterOf(key) {
        const slot = Number(await ask(first?.server, 'cluster', 'keyslot', key))
        await masters[Math.floor(slot / share)]?.server.down('immediate')
      },
      [Symbol.asyncDispose]: () => servers.stop(),
    }
  } catch (error) {
    await servers.stop()
    throw error
  }
}

interface Node {
  readonly server: RedisServer
  /** The port on which servers of a Cluster talk to each other. */
  readonly bus: number
}

async function startNode(servers: Servers, password: string): Promise<Node> {
  const bus = await freePort()
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-port': bus,
    'cluster-node-timeout': 1_000,
    masterauth: password,
  }
  return { server: await servers.start({ name: 'node', password, settings }), bus }
}

/** Lines about servers that have met. */
function known(nodes: unknown): string[] {
  return String(nodes)
    .split('\n')
    .filter((line) => line !== '' && !line.includes('handshake'))
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
