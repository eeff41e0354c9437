// What leaves us as text: no secret in it, one line, and nothing that a database could not store.

import { once } from 'node:events'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ErrorCode,
  errorCodes,
  messageOf,
  RehomeError,
  redact,
  storable,
} from '../src/errors.ts'
import { createPool, toRehomeError } from '../src/postgres.ts'
import { createDatabase } from './helpers/database.ts'

describe('a password in a URL', () => {
  test.each([
    ['postgres://app:hunter2@db:5432/shop', 'postgres://app:***@db:5432/shop'],
    ['redis://:hunter2@cache', 'redis://:***@cache'],
    ['postgres://app@corp:hunter2@db/shop', 'postgres://app@corp:***@db/shop'],
    ['postgres://app:hunter2%40%2f%3a@db/shop', 'postgres://app:***@db/shop'],
    ['postgres://app:hun@ter/2:?#[]"\'<>`\\@db/shop', 'postgres://app:***@db/shop'],
    ['postgres://app:hünter🏠@db/shop', 'postgres://app:***@db/shop'],
    ['cannot reach "postgres://app:hunter2@db".', 'cannot reach "postgres://app:***@db".'],
    ['(postgres://a:hunter2@x)\nredis://:hunter2@y', '(postgres://a:***@x)\nredis://:***@y'],
  ])('is hidden: %s', (text, hidden) => {
    expect(redact(text)).toBe(hidden)
  })

  test('is not looked for where there is none', () => {
    const texts = [
      'postgres://app@db:5432/shop',
      'http://127.0.0.1:3400/ answers, mail ops@example.org',
      'password authentication failed for user "app"',
      'table "notes": 5 rows, 10:30@noon',
      'a basic rule, and a compass of sorts',
    ]
    for (const text of texts) expect(redact(text)).toBe(text)
  })

  test('is hidden, whatever it is made of', () => {
    const secret = fc
      .string({ unit: 'binary', minLength: 1 })
      .filter((text) => !/\s/.test(text))
      .map((text) => `begin${text}end`)
    fc.assert(
      fc.property(secret, (password) => {
        const text = redact(`at postgres://app:${password}@db/shop today`)
        expect(text).toBe('at postgres://app:***@db/shop today')
      }),
    )
  })
})

describe('a password that is named', () => {
  test.each([
    ['password=hunter2', 'password=***'],
    ['host=db password=hunter2 user=app', 'host=db password=*** user=app'],
    [`host=db password='hunter2 \\' more' user=app`, 'host=db password=*** user=app'],
    ['?sslpassword=hunter2&sslmode=verify', '?sslpassword=***&sslmode=verify'],
    ['Host=db;Password=hunter2;Database=shop', 'Host=db;Password=***;Database=shop'],
    ['PGPASSWORD=hun,ter)2 psql', 'PGPASSWORD=*** psql'],
    ['{"password":"hunter2 \\" more","user":"app"}', '{"password":***,"user":"app"}'],
    ['{\\"password\\":\\"hunter2 more\\",\\"a\\":1}', '{\\"password\\":***,\\"a\\":1}'],
    ["{ access_token: 'hunter2 more', id: 7 }", '{ access_token: ***, id: 7 }'],
    ['client_secret: hunter2', 'client_secret: ***'],
    ['api-key = \\hunter2', 'api-key = ***'],
    ['password="hunter2 never ends', 'password=***'],
    ['passphrase:\n  hunter2', 'passphrase:\n  ***'],
    ['Authorization: Bearer hunter2.hunter2', 'Authorization: Bearer ***'],
    ['authorization: Basic YXBwOmh1bnRlcjI=, next', 'authorization: Basic ***, next'],
    ['sent basic YXBwOmh1bnRlcjI', 'sent basic ***'],
    ['Rehome-HMAC 1795839377430:0a1b2c', 'Rehome-HMAC ***'],
    ['host=db pass=hunter2 user=app', 'host=db pass=*** user=app'],
    ['DB_PASS="hunter2 more"', 'DB_PASS=***'],
    ['aws_secret_access_key=hunter2', 'aws_secret_access_key=***'],
    ['secret_key: hunter2, credentials = hunter2', 'secret_key: ***, credentials = ***'],
    ['to=/x%3Faccess_token%3Dhunter2 now', 'to=/x%3Faccess_token%3D*** now'],
    ['Cookie: a=hunter2; b=hunter2\nHost: db', 'Cookie: ***\nHost: db'],
    ['Set-Cookie: rehome=hunter2; Path=/', 'Set-Cookie: ***'],
    ['{"cookie":"a=hunter2; b=hunter2","id":7}', '{"cookie":***,"id":7}'],
    ['Authorization: Digest username="app", response="hunter2"', 'Authorization: Digest ***'],
    ['Authorization: ApiKey hunter2, next', 'Authorization: ApiKey ***, next'],
    ['proxy-authorization: Negotiate hunter2==', 'proxy-authorization: Negotiate ***'],
    ['{"authorization":"hunter2"}', '{"authorization":"***"}'],
    ['{\\"authorization\\":\\"ApiKey hunter2\\"}', '{\\"authorization\\":\\"ApiKey ***\\"}'],
    ["{ Authorization: 'token hunter2', id: 7 }", "{ Authorization: 'token ***', id: 7 }"],
    [
      '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\nrest',
      '-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----\nrest',
    ],
    ['"-----BEGIN RSA PRIVATE KEY-----\\nhunter2 cut off', '"-----BEGIN RSA PRIVATE KEY-----***'],
  ])('is hidden: %s', (text, hidden) => {
    expect(redact(text)).toBe(hidden)
  })
})

test('looking for secrets takes no longer in a text that is made to be slow', () => {
  const texts = [
    'a.',
    'password ',
    '://a:',
    ' ',
    'password="',
    'password=\\"\\',
    'bearer ',
    'cookie: ',
    'authorization: digest',
    'authorization: a ',
    'authorization:',
    'secret_access',
    '@',
    '\n ',
  ]
  for (const text of texts) {
    const start = performance.now()
    messageOf(text.repeat(100_000))
    expect(performance.now() - start).toBeLessThan(2_000)
  }
})

test('an error of ours holds no password, nor does the text of one that it was caused by', () => {
  const url = 'postgres://app:hunter2@db/shop'
  const cause = new Error(`no answer from ${url}`, { cause: new Error(url) })
  const error = new RehomeError('UNREACHABLE', `the source ${url} is away: ${cause.message}`, {
    cause,
  })
  const { message, stack } = error
  for (const text of [message, stack, messageOf(error), messageOf(cause), messageOf(cause.cause)]) {
    expect(text).not.toContain('hunter2')
    expect(text).toContain('postgres://app:***@db/shop')
  }
})

test('what a database says about a password is hidden, and its code is kept', async () => {
  await using database = await createDatabase()
  const query = `do $$ begin raise exception 'no way to postgres://app:%@db, password=%',
    'hun@ter/2', 'hunter2' using errcode = '08001', detail = 'Key (password)=(hunter2)'; end $$`
  const failed: unknown = await database.pool.query(query).catch((error: unknown) => error)
  const error = toRehomeError(failed, 'the source')
  expect(error).toMatchObject({ code: 'UNREACHABLE', data: { sqlState: '08001' } })
  expect(error.message).toBe(
    'the source is out of reach: no way to postgres://app:***@db, password=***',
  )
})

test('a database that is read-only for now is asked again', async () => {
  await using database = await createDatabase()
  const write = 'begin read only; create table t (); commit'
  const failed: unknown = await database.pool.query(write).catch((error: unknown) => error)
  expect(toRehomeError(failed, 'the source')).toMatchObject({
    code: 'DATABASE_ERROR',
    retryable: true,
    data: { sqlState: '25006' },
  })
})

describe('a database that does not answer is UNREACHABLE, and is asked again', () => {
  const unreachable = { code: 'UNREACHABLE', retryable: true }

  test('where an answer is late', async () => {
    await using database = await createDatabase()
    const pool = createPool({ url: database.url, name: 'source', size: 1, answerMs: 100 })
    const late: unknown = await pool.query('select pg_sleep(1)').catch((error: unknown) => error)
    await pool.end()
    expect(toRehomeError(late, 'the source')).toMatchObject(unreachable)
  })

  test.each([
    ...['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN'],
    ...['ENETDOWN', 'ENETRESET', 'ENETUNREACH', 'ENOTCONN', 'ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL'],
    ...['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', '08006', '57P01', '57P02', '57P03'],
  ])('where the connection breaks with %s', (code) => {
    const broken = Object.assign(new Error('it broke'), { code })
    expect(toRehomeError(broken, 'the source')).toMatchObject(unreachable)
    const wrapped = new Error('the copy failed', { cause: broken })
    expect(toRehomeError(wrapped, 'the source')).toMatchObject(unreachable)
  })

  test('where it ends a session that was idle', async () => {
    await using database = await createDatabase()
    const client = await database.pool.connect()
    const ended = once(client, 'error')
    await client.query(`set idle_session_timeout = '10ms'`)
    const [error] = await ended
    client.release(true)
    expect(error.code).toBe('57P05')
    expect(toRehomeError(error, 'the source')).toMatchObject(unreachable)
  })
})

describe('the message of an error', () => {
  test('is one line', () => {
    expect(messageOf(new Error('first\r\n   second\n\n\tthird '))).toBe('first second third')
  })

  test('shows control characters, and obeys none', () => {
    expect(messageOf('a\u001b[31mb\u0000c\td\u2028e\u0085f\u202eg')).toBe(
      'a\\u001b[31mb\\u0000c\\u0009d\\u2028e\\u0085f\\u202eg',
    )
  })

  test('is made of those of several errors where there are several', () => {
    const errors = [new Error('::1 refused'), new AggregateError([new Error('127.0.0.1 refused')])]
    expect(messageOf(new AggregateError(errors))).toBe('::1 refused; 127.0.0.1 refused')
    expect(messageOf(new AggregateError(errors, 'no way'))).toBe('no way')
  })

  test('is found in whatever was thrown', () => {
    expect(messageOf(new TypeError())).toBe('TypeError')
    expect(messageOf({ code: 'E', password: 'hunter2' })).toBe("{ code: 'E', password: *** }")
    for (const thrown of [undefined, null, 0, 1n, Symbol('s'), Object.create(null), () => {}]) {
      expect(messageOf(thrown)).toMatch(/./)
    }
  })
})

test('what is stored can be stored as text and as jsonb', async () => {
  await using database = await createDatabase()
  const stored = storable('NUL \0, half a house \ud83c, a house 🏠, password=hunter2')
  expect(stored).toBe('NUL \\u0000, half a house \ufffd, a house 🏠, password=***')
  const { rows } = await database.pool.query('select $1::text as text, $2::jsonb as json', [
    stored,
    JSON.stringify({ stored }),
  ])
  expect(rows).toEqual([{ text: stored, json: { stored } }])
})

describe('an error of ours', () => {
  test('is tried again and ends the command as its code says', () => {
    for (const [code, { retryable, exitCode }] of Object.entries(errorCodes)) {
      const error = new RehomeError(code as ErrorCode, 'so')
      expect({ retryable: error.retryable, exitCode: error.exitCode }).toEqual({
        retryable,
        exitCode,
      })
      expect(exitCode).toBeGreaterThan(0)
    }
  })

  test('may know better than its code whether it passes', () => {
    expect(new RehomeError('DATABASE_ERROR', 'deadlock', { retryable: true }).retryable).toBe(true)
  })

  test('says by its name what it is, and carries what it is about', () => {
    const error = new RehomeError('FENCE_LOST', 'gone', { tenant: 'acme', phase: 'copy' })
    expect(String(error)).toBe('RehomeError: gone')
    expect(error).toMatchObject({ code: 'FENCE_LOST', tenant: 'acme', phase: 'copy', data: {} })
    expect(inspect(error)).toContain("code: 'FENCE_LOST'")
  })
})
