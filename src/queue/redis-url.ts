/**
 * The forms of REDIS_URL: one server, or a master that Sentinels name. `rediss` instead of `redis`
 * is TLS, with certificates in the files of `tlsCa`, `tlsCert` and `tlsKey`.
 *
 *     redis://user:password@host:6379/0         rediss://…?tlsCa=/etc/redis/ca.pem
 *     redis+sentinel://user:password@host:26379,host2:26379/master-name/0
 */
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { Redis } from 'ioredis'
import { RehomeError } from '../errors.ts'

/** Producers answer at once when Redis is down; workers wait for it. */
export type RedisUse = 'producer' | 'worker'

interface Sentinels {
  readonly tls: boolean
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  readonly username: string | undefined
  readonly password: string | undefined
  readonly path: string
  readonly query: URLSearchParams
}

const one = /^(rediss?:\/\/[^/]|unix:\/|redis\+unix:\/|\/)/
const sentinels = /^(rediss?)\+sentinel:\/\/(?:([^@/?]*)@)?([^@/?]+)(?:\/([^?]*))?(?:\?(.*))?$/

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
      throw wrong(`is not a redis:// URL, nor one of rediss:// or redis+sentinel://`)
    return
  }
  const { hosts, path } = parsed
  const isHost = ({ host, port }: Sentinels['hosts'][number]) => host !== '' && port > 0
  if (!hosts.every(isHost)) throw wrong('has a host without a name, or a port that is no number')
  const [name = '', database = '0', ...more] = path.split('/')
  if (name === '' || more.length > 0 || !/^\d+$/.test(database)) {
    throw wrong(
      'has to end with the name of the master, as in redis+sentinel://host:26379/mymaster',
    )
  }
}

/** undefined: an escape in it is broken. */
function readUnlessBroken(url: string): Sentinels | null | undefined {
  try {
    return readSentinels(url)
  } catch {
    return undefined
  }
}

function readSentinels(url: string): Sentinels | null {
  const parts = sentinels.exec(url)
  if (!parts) return null
  const [, scheme, user, hosts = '', path = '', query] = parts
  const colon = user?.indexOf(':') ?? -1
  const [username, password] =
    user === undefined || colon < 0 ? [user] : [user.slice(0, colon), user.slice(colon + 1)]
  return {
    tls: scheme === 'rediss',
    hosts: hosts.split(',').map((text) => hostOf(text, 26_379)),
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
function hostOf(text: string, portDefault: number): Sentinels['hosts'][number] {
  const [, address, name = '', port] = /^(?:\[(.*)\]|([^:]*))(?::(.*))?$/.exec(text) ?? []
  return { host: address ?? name, port: port === undefined ? portDefault : Number(port) || 0 }
}

/** Connects at once. The URL is one that `refuseBadRedisUrl` has passed. */
export function connectRedis(url: string, use: RedisUse): Redis {
  const parsed = readSentinels(url)
  if (!parsed) return new Redis(url, { ...commonOf(use), ...tlsOf(url) })
  return viaSentinels(parsed, use)
}

function commonOf(use: RedisUse) {
  return {
    maxRetriesPerRequest: use === 'worker' ? null : 1,
    connectTimeout: 5_000,
    // A master that has become a replica: whatever names the new one is asked again.
    reconnectOnError: ({ message }: Error) => (message.startsWith('READONLY') ? 2 : false),
  }
}

function viaSentinels(of: Sentinels, use: RedisUse): Redis {
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
