// Who gets in, looked at without a server: tokens, sessions, and whose page a request comes from.
import { expect, test } from 'vitest'
import { createAccess } from '../../src/dashboard/access.ts'
import {
  localPath,
  mayBeForeign,
  namesBoard,
  namesThisMachine,
  tokenOf,
} from '../../src/dashboard/same-origin.ts'
import { createSessions } from '../../src/dashboard/sessions.ts'
import { createWrongTokens } from '../../src/dashboard/wrong-tokens.ts'
import { approverToken, operatorToken, tokens, viewerToken } from './board-world.ts'

test('a board that other machines can reach does not start without a token', () => {
  for (const host of ['0.0.0.0', '::', '10.1.2.3', 'board.example', '127.example', '::2', '']) {
    expect(() => createAccess({ host })).toThrow(/needs a token/)
    expect(() => createAccess({ host, token: '' })).toThrow(/needs a token/)
    expect(createAccess({ host, token: operatorToken }).open).toBe(false)
  }
  for (const host of ['127.0.0.1', '127.8.8.8', 'localhost', '::1']) {
    expect(createAccess({ host }).open).toBe(true)
    expect(createAccess({ host, token: operatorToken }).open).toBe(false)
  }
})

test('tokens that protect nothing are refused', () => {
  const host = '127.0.0.1'
  for (const alone of [{ viewerToken }, { approverToken }]) {
    expect(() => createAccess({ host, ...alone })).toThrow(/operator token beside it/)
  }
  const twins = { ...tokens, approverToken: viewerToken }
  expect(() => createAccess({ host, ...twins })).toThrow(
    /approver and the viewer token are the same/,
  )
  expect(() => createAccess({ host, token: 'short' })).toThrow(/at least 16 characters/)
  expect(() => createAccess({ ...tokens, host, viewerToken: 'short' })).toThrow(/at least 16/)
  expect(() => createAccess({ host, token: viewerToken, viewerToken })).toThrow(/are the same/)
  const published = 'rehome-on-this-machine'
  expect(() => createAccess({ host, token: published })).toThrow(/in a published file/)
  expect(() => createAccess({ ...tokens, host, viewerToken: published })).toThrow(/published/)
})

test('a bearer token decides the role, and a wrong one gives none, whatever the cookie says', () => {
  const access = createAccess({ host: '127.0.0.1', ...tokens })
  const cookie = access.signIn(operatorToken, { port: 1, https: false })?.cookie ?? ''
  const callerOf = (authorization: string) => access.callerOf({ authorization, cookie }, 1)
  expect(callerOf(`Bearer ${operatorToken}`)).toEqual({ role: 'operator', by: 'bearer' })
  expect(callerOf(`bearer ${viewerToken}`)).toEqual({ role: 'viewer', by: 'bearer' })
  expect(callerOf(`bearer ${approverToken}`)).toEqual({ role: 'approver', by: 'bearer' })
  for (const wrong of [`${operatorToken}x`, operatorToken.slice(0, -1), '', ' ']) {
    expect(callerOf(`Bearer ${wrong}`)).toBeNull()
  }
  expect(callerOf('Basic cHJveHk6cHJveHk=')).toEqual({ role: 'operator', by: 'cookie' })
  expect(access.callerOf({}, 1)).toBeNull()
})

test('a session holds nothing of the token, cannot be made up, and ends', () => {
  let nowMs = 1_000_000
  const sessions = createSessions(() => nowMs)
  const cookie = sessions.issue('viewer', { port: 3400, https: false })
  expect(cookie).toMatch(/; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/)
  expect(sessions.issue('viewer', { port: 3400, https: true })).toMatch(/; Secure$/)
  const sent = cookie.split(';', 1)[0] ?? ''
  expect(sessions.read(`other=1; ${sent}`, 3400)).toBe('viewer')
  expect(sessions.read(sent, 3401)).toBeNull()
  expect(sessions.read(sent.replace('viewer', 'operator'), 3400)).toBeNull()
  expect(sessions.read(sent.replace(/\.(\d+)\./, '.9999999999.'), 3400)).toBeNull()
  expect(sessions.read(sent.slice(0, -1), 3400)).toBeNull()
  expect(sessions.read('rehome_3400=viewer', 3400)).toBeNull()
  expect(sessions.read(undefined, 3400)).toBeNull()
  expect(createSessions(() => nowMs).read(sent, 3400)).toBeNull()
  nowMs += 12 * 3600 * 1000
  expect(sessions.read(sent, 3400)).toBeNull()
})

test('only names of this machine are names of this machine', () => {
  for (const host of ['localhost', 'LOCALHOST:3400', '127.0.0.1', '127.0.0.1:1', '[::1]:3400']) {
    expect(namesThisMachine(host)).toBe(true)
  }
  const others = ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1']
  for (const host of [...others, '', undefined, 'localhost:', '[::1', '127.0.0.1:80:80']) {
    expect(namesThisMachine(host), host).toBe(false)
  }
})

test('what may come from another page is taken to come from there', () => {
  const host = 'board.example:3400'
  const origin = `http://${host}`
  const foreign = (headers: Record<string, string>, by: 'cookie' | 'bearer' | 'stranger') =>
    mayBeForeign({ host, ...headers }, by)
  expect(foreign({ origin }, 'cookie')).toBe(false)
  expect(foreign({ origin: origin.toUpperCase() }, 'cookie')).toBe(false)
  expect(foreign({ origin, 'sec-fetch-site': 'same-origin' }, 'cookie')).toBe(false)
  expect(foreign({ 'sec-fetch-site': 'none' }, 'cookie')).toBe(false)
  expect(foreign({ origin: 'null', 'sec-fetch-site': 'same-origin' }, 'cookie')).toBe(false)
  expect(foreign({}, 'bearer')).toBe(false)
  expect(foreign({}, 'stranger')).toBe(false)

  expect(foreign({}, 'cookie')).toBe(true)
  expect(foreign({ origin: 'null' }, 'cookie')).toBe(true)
  for (const wrong of ['http://board.example', 'http://evil.example:3400', 'nonsense', '']) {
    for (const by of ['cookie', 'bearer', 'stranger'] as const) {
      expect(foreign({ origin: wrong }, by), wrong).toBe(true)
      expect(foreign({ origin: wrong, 'sec-fetch-site': 'same-origin' }, by), wrong).toBe(true)
    }
  }
  for (const site of ['cross-site', 'same-site', 'made-up']) {
    expect(foreign({ 'sec-fetch-site': site }, 'bearer'), site).toBe(true)
    expect(foreign({ origin, 'sec-fetch-site': site }, 'cookie'), site).toBe(true)
  }
})

test('signing in leads on to a path of this board and nowhere else', () => {
  expect(localPath('/queue/x?status=failed&token=secret')).toBe('/queue/x?status=failed')
  expect(localPath('/?token=secret')).toBe('/')
  const tricks = ['//evil.example/x', '/\\evil.example/x', 'http://evil.example/x', 'javascript:x']
  for (const trick of [...tricks, '///evil.example', '/%2F/..//evil.example', 'http://[']) {
    expect(localPath(trick), trick).toMatch(/^\/(?![/\\])/)
  }
  expect(tokenOf('/x?token=a%2Bb&token=c')).toBe('a+b')
  expect(tokenOf('/x?tokens=a')).toBeNull()
})

test('a board with tokens is known by addresses, by this machine and by listed names alone', () => {
  const allowed = ['Board.example', '0.0.0.0']
  for (const host of ['board.example', 'BOARD.EXAMPLE:443', '10.1.2.3:3400', '[fd00::1]:3400']) {
    expect(namesBoard(host, allowed), host).toBe(true)
  }
  for (const host of ['localhost:3400', '127.0.0.1', '[::1]:3400']) {
    expect(namesBoard(host, []), host).toBe(true)
  }
  const others = [
    'evil.example',
    'board.example.evil.example',
    '127.0.0.1.nip.io',
    'board.example.',
  ]
  for (const host of [...others, 'xboard.example', '', undefined]) {
    expect(namesBoard(host, allowed), host).toBe(false)
  }
})

test('a path to go on at never leads to another host', () => {
  const other = [
    ...['foo:/\\evil', 'foo:/\\evil.example/x', 'foo://evil.example', 'https:evil.example'],
    ...['//evil.example', '/\\evil.example', '\\\\evil.example', 'http:/\\evil.example'],
    ...['javascript:alert(1)', 'data:text/html,x', '\t//evil.example', '/\t/evil.example'],
    ...['http://board@evil.example/', 'http://board:80@evil.example', '///evil.example'],
  ]
  for (const to of other) {
    expect(localPath(to), to).toMatch(/^\/(?![/\\])/)
    expect(new URL(localPath(to), 'http://board').origin, to).toBe('http://board')
  }
  expect(localPath('/tenants/a/b?x=1&token=secret')).toBe('/tenants/a/b?x=1')
})

test('an address that gives many wrong tokens waits, and memory stays bounded', () => {
  let nowMs = 0
  const wrong = createWrongTokens(() => nowMs)
  const [one, other] = ['2001:db8:1:2::5', '2001:db8:1:3::5']
  for (let i = 0; i < 10; i += 1) {
    expect(wrong.waitS(one)).toBe(0)
    wrong.count(`2001:db8:1:2::${i}`)
  }
  expect(wrong.waitS(one)).toBe(60)
  expect(wrong.waitS('2001:0db8:0001:0002:ffff::')).toBe(60)
  expect([wrong.waitS(other), wrong.waitS('10.0.0.1')]).toEqual([0, 0])
  nowMs = 59_500
  expect(wrong.waitS(one)).toBe(1)
  nowMs = 60_000
  expect(wrong.waitS(one)).toBe(0)
  for (let i = 0; i < 10; i += 1) wrong.count('::ffff:10.0.0.1')
  expect(wrong.waitS('10.0.0.1')).toBeGreaterThan(0)
  // More addresses than are kept: the oldest are forgotten.
  for (let i = 0; i < 20_000; i += 1) wrong.count(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)
  expect(wrong.waitS('10.0.0.1')).toBe(0)
})
