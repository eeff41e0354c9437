// A path of the plan leads where it says, below the end's URL, or the request is not sent.
import { expect, test } from 'vitest'
import { urlBelow } from '../../../src/ends/web/url-below.ts'

const base = new URL('https://api.example/v2/')
const below = (path: string) => urlBelow(base, path, 'the source').href

test.each([
  ['tenants/acme/notes', 'https://api.example/v2/tenants/acme/notes'],
  ['tenants/a%2Fb%20c', 'https://api.example/v2/tenants/a%2Fb%20c'],
  ['tenants/a.b..c/...', 'https://api.example/v2/tenants/a.b..c/...'],
  ['notes/?tenant=..&at=../x', 'https://api.example/v2/notes/?tenant=..&at=../x'],
  ['https:evil', 'https://api.example/v2/https:evil'],
  ['http:x', 'https://api.example/v2/http:x'],
  ['tenant:1/notes', 'https://api.example/v2/tenant:1/notes'],
  ['', 'https://api.example/v2/'],
])('path %j is %s', (path, url) => {
  expect(below(path)).toBe(url)
})

const dots = ['.', '..', '%2e', '%2E%2e', '.%2e', '%252e%252e', '%25252e.']
const paths = dots.flatMap((dot) => [
  dot,
  `tenants/${dot}`,
  `tenants/${dot}/notes`,
  `a/b/${dot}/${dot}/${dot}/x`,
  `tenants/x%2f${dot}%2f${dot}`,
  `tenants/x%5c${dot}`,
])

test.each(paths)('a dot segment is refused: %s', (path) => {
  expect(() => below(path)).toThrow(/the source: the path ".*" of a request has a dot segment/)
})

test.each([
  ['tenants\\acme', 'a backslash'],
  ['tenants/..\\x', 'a backslash'],
  ['tenants//notes', 'an empty segment'],
  ['/notes', 'an empty segment'],
  ['//evil.example/x', 'an empty segment'],
  ['tenants/.\t./notes', 'a control character'],
  ['tenants/a\n/notes', 'a control character'],
  ['tenants/%0d%0aHost:x', 'an encoded control character'],
  ['tenants/%2500', 'an encoded control character'],
  ['tenants/a#/notes', 'a "#"'],
  ['tenants/%zz', 'a percent sign'],
])('%j has %s', (path, what) => {
  const refused = expect.objectContaining({
    code: 'PLAN_INVALID',
    message: expect.stringContaining(what),
  })
  expect(() => below(path)).toThrow(refused)
})
