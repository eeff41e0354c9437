// Values of rows as they are shown: masked secrets, and cuts that leave the difference visible.
import { expect, test } from 'vitest'
import { createMask, cutAlike, isSecretColumn } from '../../src/comparison/inspection/cells.ts'
import { recordText } from '../../src/ends/read-digest.ts'
import { recordFields } from '../../src/values/record-text.ts'

test.each(
  ['password', 'user_password_hash', 'apiKey', 'api_key', 'refreshToken', 'pin', 'card_pin'].map(
    (name) => [name, true] as const,
  ),
)('column %s is secret', (name, is) => {
  expect(isSecretColumn(name)).toBe(is)
})

test.each(['pinned', 'spin', 'saltiness', 'name', 'body', 'passed_at'])(
  'column %s is not secret',
  (name) => expect(isSecretColumn(name)).toBe(false),
)

test('equal secrets have equal masks within an answer, and other ones in the next', () => {
  const [mask, another] = [createMask(), createMask()]
  expect(mask('hunter2')).toBe(mask('hunter2'))
  expect(mask('hunter2')).not.toBe(mask('hunter3'))
  expect(mask('hunter2')).not.toBe(another('hunter2'))
  expect(mask('hunter2')).toMatch(/^masked \(7 characters, mark [0-9a-f]{8}\)$/)
})

test('long values are cut at one place, with what differs in sight', () => {
  const long = (end: string) => `${'a'.repeat(1000)}${end}${'b'.repeat(1000)}`
  const cut = cutAlike({ source: long('x'), expected: long('X'), target: long('Y') })
  expect(cut.source).toMatch(/^\(980 characters\) …a{20}xb+… \(\d+ characters\)$/)
  expect(cut.expected).toMatch(/^\(980 characters\) …a{20}Xb+… \(\d+ characters\)$/)
  expect(cut.target).toMatch(/^\(980 characters\) …a{20}Yb+… \(\d+ characters\)$/)
  expect(cutAlike({ source: long('X'), expected: null, target: undefined })).toEqual({
    source: expect.stringMatching(/^a{300}… \(1701 characters\)$/),
    expected: null,
    target: undefined,
  })
  const short = { source: 'short', expected: 'texts', target: null }
  expect(cutAlike(short)).toEqual(short)
})

test.each([
  ['1'],
  ['1', null, ''],
  [null],
  ['a, b', 'quote " and \\ backslash', '(', ')', 'line\nbreak'],
  ['', '', null],
])('record %j is read as it was written', (...fields) => {
  expect(recordFields(recordText(fields))).toEqual(fields)
})

test.each(['42', '(1', '1)', '(a"b)', '("a)', '(a)b)'])('%s is no record', (text) => {
  expect(recordFields(text)).toBeNull()
})
