// What the conformance suite says before it asks any end: its options, its points, its example.
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { hashOf, probe, rowText } from '../../../conformance/md5.ts'
import { baseUrlOf, readOptions } from '../../../conformance/options.ts'
import { points } from '../../../conformance/points.ts'
import { examine } from '../../../conformance/run.ts'

const secret = 'a-secret-of-some-length'

test('points have names of their own, and need only points that come before them', () => {
  const names = points.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const [i, { name, needs = [] }] of points.entries()) {
    for (const need of needs) expect(names.slice(0, i), `${name} needs it`).toContain(need)
  }
})

test('a URL where nothing answers is reported at once', async () => {
  const bearer = { kind: 'bearer', token: secret } as const
  const chosen = { baseUrl: baseUrlOf('http://127.0.0.1:9'), secret: bearer, scope: 'default' }
  await expect(examine({ ...chosen, tenant: null, scratch: null })).rejects.toThrow(/no answer/)
})

test.each([
  [[], /one URL/],
  [['http://a', 'http://b'], /one URL/],
  [['ftp://a', '--bearer-from', 'SECRET'], /begins with ftp:/],
  [['http://a'], /either --bearer-from or --hmac-from/],
  [['http://a', '--bearer-from', 'SECRET', '--hmac-from', 'SECRET'], /either/],
  [['http://a', '--bearer-from', 'NOT_SET'], /NOT_SET is not set/],
  [['http://a', '--what'], /--what/],
  [['http://a', '--bearer-from', 'SECRET', '--only', 'fence'], /no point "fence"/],
])('arguments %j are refused', (args, message) => {
  expect(() => readOptions(args, { SECRET: secret })).toThrow(message)
})

test('the secret is read from the environment, and is no argument', () => {
  const args = ['http://a/b/', '--hmac-from', 'SECRET', '--tenant', 'acme']
  expect(readOptions(args, { SECRET: secret })).toEqual({
    baseUrl: new URL('http://a/b/'),
    secret: { kind: 'hmac', key: secret },
    tenant: 'acme',
    scratch: null,
    scope: 'default',
    only: [],
    json: false,
  })
})

test('the example in docs/http.md is right', async () => {
  const text = rowText(['acme', '2026-01-02', 'a "b" c', null, ''])
  const page = await readFile(new URL('../../../docs/http.md', import.meta.url), 'utf8')
  expect(page).toContain(`\`${text}\``)
  expect(page).toContain(`\`${hashOf(text)}\``)
  expect(page).toContain(`\`"${probe}"\``)
})
