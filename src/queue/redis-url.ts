/**
 * The forms of REDIS_URL: one server, a master that Sentinels name, or a Cluster. `rediss` instead
 * of `redis` is TLS, with certificates in the files of `tlsCa`, `tlsCert` and `tlsKey`.
 *
 *     redis://user:password@host:6379/0         rediss://…?tlsCa=/etc/redis/ca.pem
 *     redis+sentinel://user:password@host:26379,host2:26379/master-name/0
 *     redis+cluster://user:password@host:6379,host2:6379
 */
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { Cluster, Redis } from 'ioredis'
import { RehomeError } from '../errors.ts'

/** Producers answer at once when Redis is down; workers wait for it. */
export type RedisUse = 'producer' | 'worker'

/** Servers that name the others: Sentinels, or some of a Cluster. */
interface Set {
  readonly kind: 'sentinel' | 'cluster'
  readonly tls: boolean
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  readonly username: string | undefined
  readonly password: string | undefined
  readonly path: string
  readonly query: URLSearchParams
}

const one = /^(rediss?:\/\/[^/]|unix:\/|redis\+unix:\/|\/)/
const sets = /^(rediss?)\+(sentinel|cluster):\/\/(?:([^@/?]*)@)?([^@/?]+)(?:\/([^?]*))?(?:\?(.*))?$/

/** Throws SETTING_MISSING where it is of none of the forms. The message never has the URL. */
export function refuseBadRedisUrl(url: string): void {
  const wrong = (what: string) => {
    const message = `REDIS_URL ${what}: correct it, or unset it to do without Redis`
    return new RehomeError('SETTING_MISSING', message)
  }
  const parsed = readUnlessBroken(url)
  if (parsed === undefined) throw wrong('has a % that begins no escape, which is %25')
  if (parsed === null) {
    if (!one.test(url))
      throw wrong(
        'is not a redis:// URL, nor one of rediss://, redis+sentinel:// or redis+cluster://',
      )
    return
  }
  const { kind, hosts, path } = parsed
  const isHost = ({ host, port }: Set['hosts'][number]) => host !== '' && port > 0
  if (!hosts.every(isHost)) throw wrong('has a host without a name, or a port that is no number')
  if (kind === 'cluster') {
    if (/^0?$/.test(path)) return
    throw wrong(
      'has to end with its hosts, as a Cluster has no databases: redis+cluster://host:6379',
    )
  }
  const [name = '', database = '0', ...more] = path.split('/')
  if (name === '' || more.length > 0 || !/^\d+$/.test(database)) {
    throw wrong(
      'has to end with the name of the master, as in redis+sentinel://host:26379/mymaster',
    )
  }
}

/** undefined: an escape in it is broken. */
function readUnlessBroken(url: string): Set | null | undefined {
  try {
    return readSet(url)
  } catch {
    return undefined
  }
}

function readSet(url: string): Set | null {
  const parts = sets.exec(url)
  if (!parts) return null
  const [, scheme, word, user, hosts = '', path = '', query] = parts
  const kind = word === 'cluster' ? 'cluster' : 'sentinel'
  const colon = user?.indexOf(':') ?? -1
  const [username, password] =
    user === undefined || colon < 0 ? [user] : [user.slice(0, colon), user.slice(colon + 1)]
  const portDefault = kind === 'cluster' ? 6_379 : 26_379
  return {
    kind,
    tls: scheme === 'rediss',
    hosts: hosts.split(',').map((text) => hostOf(text, portDefault)),
    username: decoded(username),
    password: decoded(password),
    path: decodeURIComponent(path),
    query: new URLSearchParams(query),
  }
}

/** Empty: as if it were absent. */
function decoded(text: string | undefined): string | undefined {
  return text ? decodeURIComponent(text) : undefined
}

/** `[::1]:6379` is an address of IPv6. */
function hostOf(text: string, portDefault: number): Set['hosts'][number] {
  const [, address, name = '', port] = /^(?:\[(.*)\]|([^:]*))(?::(.*))?$/.exec(text) ?? []
  return { host: address ?? name, port: port === undefined ? portDefault : Number(port) || 0 }
}

/** Connects at once. The URL is one that `refuseBadRedisUrl` has passed. */
export function connectRedis(url: string, use: RedisUse): Redis | Cluster {
  const parsed = readSet(url)
  if (!parsed) return new Redis(url, { ...commonOf(use), ...tlsOf(url) })
  return parsed.kind === 'cluster' ? inCluster(parsed, use) : viaSentinels(parsed, use)
}

function commonOf(use: RedisUse) {
  return {
    maxRetriesPerRequest: use === 'worker' ? null : 1,
    connectTimeout: 5_000,
    // A master that has become a replica: whatever names the new one is asked again.
    reconnectOnError: ({ message }: Error) => (message.startsWith('READONLY') ? 2 : false),
  }
}

/** A failover takes the time in which the servers notice it, 15 s by default, and a vote. */
const failover = { retryMs: 250, tries: { producer: 8, worker: 240 } }

function inCluster({ hosts, query, tls, username, password }: Set, use: RedisUse): Cluster {
  return new Cluster([...hosts], {
    // A check that fails in a failover leaves `connect()` without an end, for which a worker that
    // waits for jobs would wait. Commands find out by themselves, and are sent again.
    enableReadyCheck: false,
    maxRedirections: failover.tries[use],
    retryDelayOnFailover: failover.retryMs,
    retryDelayOnClusterDown: failover.retryMs,
    // Certificates are about names, so addresses are not put in their place.
    ...(tls && { dnsLookup: (name, give) => give(null, name) }),
    redisOptions: {
      maxRetriesPerRequest: null,
      connectTimeout: 5_000,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...(tls && { tls: certificatesIn(query) }),
    },
  })
}

function viaSentinels(of: Set, use: RedisUse): Redis {
  const { hosts, path, query, tls, username, password } = of
  const [name = '', database = '0'] = path.split('/')
  const [sentinelUsername, sentinelPassword] = [
    query.get('sentinelUsername'),
    query.get('sentinelPassword'),
  ]
  return new Redis({
    ...commonOf(use),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    sentinels: [...hosts],
    name,
    db: Number(database),
    ...(tls && { tls: certificatesIn(query), enableTLSForSentinelMode: true }),
    ...(tls && { sentinelTLS: certificatesIn(query) }),
    ...(sentinelUsername !== null && { sentinelUsername }),
    ...(sentinelPassword !== null && { sentinelPassword }),
  })
}

function tlsOf(url: string): { tls?: ConnectionOptions } {
  const [, query] = /^rediss:\/\/[^?]*(?:\?(.*))?$/.exec(url) ?? [null, null]
  return query === null ? {} : { tls: certificatesIn(new URLSearchParams(query)) }
}

/** Throws SETTING_MISSING for a file that cannot be read. */
function certificatesIn(query: URLSearchParams): ConnectionOptions {
  const file = (name: string) => {
    const path = query.get(name)
    if (path === null) return undefined
    try {
      return readFileSync(path)
    } catch (error) {
      const message = `the file "${path}" of \`${name}\` in REDIS_URL cannot be read`
      throw new RehomeError('SETTING_MISSING', message, { cause: error })
    }
  }
  return { ca: file('tlsCa'), cert: file('tlsCert'), key: file('tlsKey') }
}
