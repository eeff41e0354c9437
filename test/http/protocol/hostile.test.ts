// What an end says of itself, and what a mover says to an end, is bounded before it is believed.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { readAnswer, requestKey } from '../../../src/ends/http/asking.ts'
import { flagOperations } from '../../../src/ends/http/protocol/flag-operations.ts'
import { cast, rowOperations } from '../../../src/ends/http/protocol/row-operations.ts'
import { errorOf } from '../../../src/ends/web/problem.ts'

const escapes = '\u001b[2J\u001b]0;owned\u0007\r\n\u202e'

test.each([
  ['detail', { detail: escapes.repeat(100_000) }],
  ['title', { title: escapes.repeat(100_000), detail: undefined }],
  ['detail of a known code', { code: 'ROW_REJECTED', detail: escapes.repeat(100_000) }],
])('a large %s of an end becomes one short line that plays with no terminal', (_, changes) => {
  const told = { type: 'x', title: 'x', status: 400, ...changes }
  const { message } = errorOf(400, JSON.stringify(told), 'the source')
  expect(message.length).toBeLessThan(8_000)
  expect(message).not.toMatch(/[\p{Cc}\u202e]/u)
})

test('an answer that is no problem is cut, too, and data are dropped where there are many', () => {
  const { message } = errorOf(500, escapes.repeat(100_000), 'the source')
  expect(message).not.toMatch(/[\p{Cc}\u202e]/u)
  const data = { rows: 'x'.repeat(1_000_000) }
  const told = { type: 'x', title: 'x', status: 400, code: 'ROW_REJECTED', data }
  expect(errorOf(400, JSON.stringify(told), 'the source').data).toEqual({})
  const schema = z.strictObject({ rows: z.number() })
  const broken = () => readAnswer(schema, JSON.stringify({ [escapes]: 1 }), 'the source')
  expect(broken).toThrow(/answered against the protocol/)
  expect(broken).not.toThrow(escapes.slice(0, 1))
})

test('a key for proxies tells no epoch, and is the same for the same batch', () => {
  const epoch = '6f1c7b0e-5d3a-4a43-9f5e-0a4f4c1f9d55'
  const key = requestKey(epoch, 'notes', 7)
  expect(key).toMatch(/^[0-9a-f]{32}$/)
  expect(requestKey(epoch, 'notes', 7)).toBe(key)
  expect(new Set([key, requestKey(epoch, 'notes', 8), requestKey(epoch, 'note', 7)]).size).toBe(3)
})

test.each([
  ...['regclass', 'pg_catalog.regclass', '"regclass"', 'regclass[]', '_regclass', 'regproc'],
  ...['"pg_catalog"."regrole"', 'regnamespace', 'regoperator', 'aclitem', '_aclitem'],
])('a cast looks nothing up: %s', (type) => {
  expect(cast.safeParse(type).error?.issues[0]?.message).toMatch(/looked up/)
})

test.each([
  ...['bpchar(10485760)', 'character(10001)', 'char(999999)', 'bit(83886080)', 'bpchar(20000)[]'],
  ...['pg_catalog.bpchar(10485760)', '"bpchar"(10485760)', '_bpchar(10485760)', 'nchar(10001)'],
])('a cast makes no value long: %s', (type) => {
  expect(cast.safeParse(type).error?.issues[0]?.message).toMatch(/pads values/)
})

test.each(['"a\0b"', 'te\0xt', '"public"."m\0"', 'text\0', '"a\nb"'])(
  'a cast holds no control character: %j',
  (type) => {
    expect(cast.safeParse(type).success).toBe(false)
  },
)

test.each([
  'bpchar(10)',
  'character varying(10485760)',
  'bit(64)',
  'registrations',
  'public.region',
])('other casts go on: %s', (type) => {
  expect(cast.safeParse(type).success).toBe(true)
})

const uuid = '6f1c7b0e-5d3a-4a43-9f5e-0a4f4c1f9d55'
const hold = { scope: 'default', tenant: 'acme', token: uuid }

/** They close nothing: they look, and end what is over. */
const ofAll = ['readFlag', 'lowerLapsed']

test('no operation over HTTP closes the whole application', () => {
  for (const [name, { request }] of Object.entries({ ...flagOperations, ...rowOperations })) {
    const { shape } = request as z.ZodObject
    if (!('tenant' in shape)) continue
    const found = request.safeParse({ ...hold, tenant: '*' })
    if (ofAll.includes(name)) {
      expect(found.success, name).toBe(true)
      continue
    }
    const messages = found.error?.issues.map(({ message }) => message).join()
    expect(messages, name).toMatch(/"\*" stands for the whole application/)
  }
})

test.each(['9223372036854775807', '1000000000000001', '0', '-1', '01', '1e3', ''])(
  'a turn of %s is refused',
  (turn) => {
    expect(flagOperations.takeTurn.request.safeParse({ ...hold, turn }).success).toBe(false)
  },
)

test.each([
  ['leaseMs', 'raiseFence', 2 * 86_400_000],
  ['leaseMs', 'renewLease', 2 * 86_400_000],
  ['leaseMs', 'lowerToCapture', 2 * 86_400_000],
  ['captureMs', 'claimTarget', 90 * 86_400_000],
  ['retryAfterS', 'raiseFence', 3_600],
] as const)('a %s of %s closes an end for no longer than a plan may say', (field, name, most) => {
  const ids = { epoch: uuid, moveId: uuid, reason: 'x', ours: [] }
  const request = { ...hold, ...ids, retryAfterS: 1, leaseMs: 1, captureMs: 1 }
  const isTaken = (value: unknown) =>
    flagOperations[name].request.safeParse({ ...request, [field]: value }).success
  expect([isTaken(1), isTaken(most), isTaken(most + 1)]).toEqual([true, true, false])
  for (const value of [Number.MAX_SAFE_INTEGER, 1e308, 0, -1, 1.5, '1']) {
    expect(isTaken(value), String(value)).toBe(false)
  }
})

test.each(['1', '42', '999999999999999', '1000000000000000'])('a turn of %s is taken', (turn) => {
  expect(flagOperations.takeTurn.request.safeParse({ ...hold, turn }).success).toBe(true)
})
