// Settings that cannot be meant are refused at once, in one line that says what to write instead.
import { afterEach, describe, expect, test } from 'vitest'
import { jsonText } from '../src/cli/context.ts'
import { createLog } from '../src/log.ts'
import { checkPlan } from '../src/plan/check-plan.ts'
import { postgres } from '../src/plan/endpoint.ts'
import { createPool } from '../src/postgres.ts'
import { queueStore } from '../src/queue/queues.ts'
import { smallPlan } from './helpers/small-plan.ts'

const before = process.env.LOG_LEVEL
afterEach(() => {
  if (before === undefined) delete process.env.LOG_LEVEL
  else process.env.LOG_LEVEL = before
})

test('a LOG_LEVEL that is none is named with those that there are', () => {
  process.env.LOG_LEVEL = 'loud'
  expect(() => createLog()).toThrow(/^LOG_LEVEL is "loud": it is one of trace, .*silent$/)
  process.env.LOG_LEVEL = ''
  expect(createLog().level).toBe('info')
})

describe('REDIS_URL', () => {
  const open = (redisUrl: string) =>
    queueStore({ redisUrl, controlUrl: 'postgres://localhost/c', installation: '12345678' }).kind
  test.each(['foo', 'localhost:6379', 'http://localhost', 'redis://'])('%s is refused', (url) => {
    expect(() => open(url)).toThrow('REDIS_URL is not a redis:// URL')
  })
  test.each(['redis://localhost', 'rediss://u:p@h:1/2', '/var/run/redis.sock'])(
    '%s is taken',
    (url) => {
      expect(open(url)).toBe('redis')
    },
  )
  test('that is empty means the queue in the control database', () => {
    expect(open('')).toBe('postgres')
  })
})

describe('the URL of a database', () => {
  test.each([
    ['postgres://a,b/app', 'names several hosts'],
    ['postgres://u:p,w@a:1,b:2/app', 'names several hosts'],
    ['postgres://a/app?options=-c%20search_path=x', 'has "?options="'],
    ['postgres:///app?host=/var/run/postgresql', 'has "?host="'],
    ['postgres://a/app?statement_timeout=5000', 'has "?statement_timeout="'],
    ['postgres://a/app?x=1&lock_timeout=1', 'our sessions have settings of their own'],
    ['postgres://a/app?query_timeout=1', 'has "?query_timeout="'],
    ['postgres://a/app?client_encoding=latin1', 'has "?client_encoding="'],
    ['postgres://a/app?replication=database', 'has "?replication="'],
    ['postgres://a/app?database=b', 'write it before the `?`'],
    ['postgres://a/app?sslmode=require', 'set `tls` in the plan'],
    ['mysql://a/app', 'is not a postgres:// URL'],
  ])('%s is refused: it %s', (url, message) => {
    expect(() => createPool({ url, name: 'source' })).toThrow(message)
  })
  test.each(['postgres://u:p%2Cw@a:1/app', 'postgres://u:p,w@a/app?application_name=x'])(
    '%s is taken',
    async (url) => {
      await createPool({ url, name: 'source' }).end()
    },
  )
})

test('a plan that follows changes needs connections for all moves at once', () => {
  const ends = (poolSize: number) => ({
    source: postgres({ urlFrom: 'SOURCE_URL', poolSize }),
    target: postgres({ urlFrom: 'TARGET_URL', poolSize: 20 }),
  })
  const online = { strategy: 'online', concurrency: 4 } as const
  expect(() => checkPlan(smallPlan({ ...online, ...ends(8) }))).toThrow(
    '4 moves at once need a poolSize of 9 at both ends',
  )
  expect(checkPlan(smallPlan({ ...online, ...ends(9) })).concurrency).toBe(4)
  expect(checkPlan(smallPlan({ concurrency: 4, ...ends(8) })).concurrency).toBe(4)
})

test('JSON for terminals and logs has no token of a fence, and no key of an end', () => {
  const record = { move: { id: 'a', token: 'secret', epoch: 'key' }, events: [{ token: 'x' }] }
  expect(JSON.parse(jsonText(record))).toEqual({ move: { id: 'a' }, events: [{}] })
})
