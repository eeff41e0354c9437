// Looks for secrets wherever a product may have left them: a text, every value of a Redis, every
// row of a database, and what a machine shows of a process to everybody.
import { readFile } from 'node:fs/promises'
import { Redis } from 'ioredis'
import type pg from 'pg'

/** The ways in which a text may have been written down. */
function formsOf(secret: string): string[] {
  const url = new URL('postgres://host')
  url.password = secret
  const forms = [
    secret,
    encodeURIComponent(secret),
    url.password,
    JSON.stringify(secret).slice(1, -1),
    secret.replaceAll('&', '&amp;'),
    secret.replaceAll('&', '&#38;'),
    Buffer.from(secret).toString('base64').slice(0, -4),
    Buffer.from(secret).toString('base64url').slice(0, -4),
    Buffer.from(secret).toString('hex'),
  ]
  return [...new Set(forms)]
}

/** Where they were found, a line each: `place: form`. */
export function findIn(
  texts: Iterable<readonly [place: string, text: string]>,
  secrets: readonly string[],
): string[] {
  const forms = secrets.flatMap(formsOf)
  return [...texts].flatMap(([place, text]) =>
    forms.filter((form) => text.includes(form)).map((form) => `${place}: ${form}`),
  )
}

/** Every key below the prefix and all that it holds, whatever its type. */
export async function redisTexts(url: string, prefix: string): Promise<[string, string][]> {
  const redis = new Redis(url)
  try {
    const found: [string, string][] = []
    const match = `${prefix.replace(/[[\]*?\\]/g, '\\$&')}*`
    for await (const keys of redis.scanStream({ match, count: 1000 })) {
      for (const key of keys as string[]) found.push([`Redis ${key}`, await contentOf(redis, key)])
    }
    return found
  } finally {
    redis.disconnect()
  }
}

async function contentOf(redis: Redis, key: string): Promise<string> {
  const type = await redis.type(key)
  const read: Record<string, () => Promise<unknown>> = {
    string: () => redis.get(key),
    hash: () => redis.hgetall(key),
    list: () => redis.lrange(key, 0, -1),
    set: () => redis.smembers(key),
    zset: () => redis.zrange(key, 0, '-1', 'WITHSCORES'),
    stream: () => redis.xrange(key, '-', '+'),
    none: async () => null,
  }
  const reader = read[type]
  if (!reader) throw new Error(`${key} is a ${type}: teach this to read it`)
  return `${key} ${plain(await reader())}`
}

/** All strings inside, as they are. */
function plain(value: unknown): string {
  if (Array.isArray(value)) return value.map(plain).join('\n')
  if (typeof value === 'object' && value !== null) return plain(Object.entries(value))
  return String(value)
}

/** Every row of every table that is not PostgreSQL's own, and what every function says. */
export async function databaseTexts(pool: pg.Pool): Promise<[string, string][]> {
  const tables = await pool.query(`select oid::regclass::text as name from pg_class
    where relkind in ('r', 'p', 'm') and relnamespace not in
      (select oid from pg_namespace where nspname in ('pg_catalog', 'information_schema', 'pg_toast'))`)
  const found: [string, string][] = []
  for (const { name } of tables.rows) {
    const { rows } = await pool.query(
      `select r::text as row, to_jsonb(r)::text as json from ${name} r`,
    )
    found.push([`table ${name}`, rows.map(({ row, json }) => `${row}\n${json}`).join('\n')])
  }
  const functions = await pool.query(`select proname as name, prosrc as text from pg_proc
    where pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`)
  for (const { name, text } of functions.rows) found.push([`function ${name}`, text])
  return found
}

/**
 * Everything that any user of the machine can see of a process. null: this machine does not show
 * it.
 */
export async function processText(pid: number): Promise<string | null> {
  const parts = ['cmdline', 'comm', 'status'].map((file) =>
    readFile(`/proc/${pid}/${file}`, 'utf8'),
  )
  return await Promise.all(parts).then(
    (texts) => texts.join('\n'),
    () => null,
  )
}
