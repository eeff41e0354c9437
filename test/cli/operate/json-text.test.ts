import { expect, test } from 'vitest'
import { jsonText } from '../../../src/cli/context.ts'

test.each([undefined, 2])(
  'JSON escapes what plays with a terminal, and is equal (indent %s)',
  (indent) => {
    const points = [0x7f, 0x9b, 0x202e, 0x2028, 0x2029, 0x200b, 0xe0001, 0x1b, 0x0a]
    const hostile = points.map((point) => `a${String.fromCodePoint(point)}b`)
    const value = { tenants: hostile, [hostile[1] ?? '']: 'é 日本 😀' }
    const text = jsonText(value, indent)
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    expect(text).toContain('é 日本 😀')
    expect(JSON.parse(text)).toEqual(value)
  },
)

test('JSON has neither a token nor an epoch', () => {
  expect(jsonText({ move: { token: 't', epoch: 'e', id: 1 } })).toBe('{"move":{"id":1}}')
})
