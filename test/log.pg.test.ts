// Whatever is logged, and however it got into the line: no secret is written.
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { RehomeError } from '../src/errors.ts'
import { createLog, type Logger } from '../src/log.ts'
import { createDatabase } from './helpers/database.ts'

const url = 'postgres://app:hunter2@db/shop'
const hidden = 'postgres://app:***@db/shop'

/** The lines that `work` writes, as text, after a look that each is one JSON object. */
function written(work: (log: Logger) => void): string {
  const lines: string[] = []
  work(createLog({ level: 'trace', destination: { write: (line) => void lines.push(line) } }))
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ name: 'rehome' })
  expect(lines.every((line) => line.endsWith('\n'))).toBe(true)
  return lines.join('')
}

function writtenObject(work: (log: Logger) => void): Record<string, unknown> {
  return JSON.parse(written(work))
}

describe('a password', () => {
  const cause = new Error(`inner ${url}`, { cause: new Error('password=hunter2') })
  const ways: Record<string, (log: Logger) => void> = {
    'in the message': (log) => log.info(`at ${url}`),
    'in a value put into the message': (log) => log.info('at %s and %j', url, { at: url }),
    'in a field': (log) => log.info({ at: url }, 'there'),
    'in a field deep below': (log) => log.info({ a: { b: [{ c: { at: `at ${url}` } }] } }),
    'in a field with the name of a secret': (log) =>
      log.info({ password: 'hunter2', a: { b: { c: { PGPASSWORD: 'hunter2' } } } }),
    'in a header': (log) =>
      log.info({ request: { headers: { authorization: 'hunter2', cookie: ['hunter2'] } } }),
    'in an object under the name of a secret': (log) =>
      log.info({ a: { token: { is: 'hunter2' } } }),
    'in a URL object': (log) => log.info({ at: new URL(url) }),
    'in the fields of a child': (log) => log.child({ at: url, a: { token: 'hunter2' } }).info('so'),
    'in an error': (log) => log.error(new Error(url)),
    'in an error beside a message': (log) => log.error({ err: new Error(url) }, `at ${url}`),
    'in the cause of an error': (log) => log.error({ err: new Error('outer', { cause }) }),
    'in an error of ours': (log) => log.error({ err: new RehomeError('USAGE', url, { cause }) }),
    'in something thrown that is no error': (log) => log.error({ err: { at: url } }),
  }

  test.each(Object.entries(ways))('%s is not written', (_, work) => {
    const text = written(work)
    expect(text).not.toContain('hunter2')
    expect(text).toContain('***')
  })

  test('leaves the place that it was for readable', () => {
    expect(written((log) => log.info({ at: url }, `to ${url}`))).toContain(`to ${hidden}`)
    expect(writtenObject((log) => log.info({ at: url }))).toMatchObject({ at: hidden })
  })

  test('that was set to nothing is distinguished from one that is hidden', () => {
    const line = writtenObject((log) => log.info({ a: { token: null }, redisUrl: '' }))
    expect(line).toMatchObject({ a: { token: null }, redisUrl: '' })
  })
})

describe('an error', () => {
  test('is written with its code, its stack and what caused it', () => {
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
    const err = new RehomeError('UNREACHABLE', 'away', { cause, tenant: 'acme', phase: 'copy' })
    expect(writtenObject((log) => log.warn({ err }, 'attempt failed')).err).toMatchObject({
      name: 'RehomeError',
      message: 'away',
      code: 'UNREACHABLE',
      retryable: true,
      tenant: 'acme',
      phase: 'copy',
      stack: expect.stringContaining('log.pg.test.ts'),
      cause: { name: 'Error', message: 'refused', code: 'ECONNREFUSED' },
    })
  })

  test('that caused itself is written all the same', () => {
    const error = new Error('round')
    error.cause = error
    expect(written((log) => log.warn({ err: error }))).toContain('round')
  })

  test('of the database is written without the row that it complains of', async () => {
    await using database = await createDatabase()
    await database.pool.query('create table notes (id int primary key, body text not null)')
    const error: unknown = await database.pool
      .query(`insert into notes values (1, null), (2, 'a private line')`)
      .catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(pg.DatabaseError)
    expect(error).toMatchObject({ detail: expect.stringContaining('Failing row') })
    const text = written((log) => log.warn({ err: new Error('copying', { cause: error }) }))
    expect(text).toContain('"code":"23502"')
    expect(text).not.toContain('Failing row')
  })
})

test('what is no secret is written as it is', () => {
  const fields = { rows: 12, share: 0.5, done: true, none: null, list: [1, 'two'], tokens: false }
  const line = writtenObject((log) =>
    log.child({ tenant: 'acme' }).info(fields, 'copied "notes"\n'),
  )
  expect(line).toMatchObject({ ...fields, tenant: 'acme', msg: 'copied "notes"\n', level: 30 })
})

test('what JSON cannot say does no harm', () => {
  const circle: Record<string, unknown> = {
    bigint: 12n,
    nan: Number.NaN,
    half: '\ud83c',
    nul: '\0',
  }
  circle.self = circle
  expect(writtenObject((log) => log.info({ circle }, 'so'))).toMatchObject({ msg: 'so' })
})

test('the level is the one asked for', () => {
  const lines: string[] = []
  const log = createLog({ level: 'warn', destination: { write: (line) => void lines.push(line) } })
  log.info('no')
  log.warn('yes')
  expect(lines).toHaveLength(1)
})
