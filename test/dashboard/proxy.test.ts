// Who a trusted proxy says that its caller is, on real requests' headers without a server.
import { expect, test } from 'vitest'
import { createAccess } from '../../src/dashboard/access.ts'
import { createProxy, type ProxyOptions, readRoles } from '../../src/dashboard/proxy.ts'
import { mayBeForeign } from '../../src/dashboard/same-origin.ts'

const secret = 'shared-0123456789abcdef'
const operator = { 'x-forwarded-user': ['ann'], 'x-forwarded-groups': ['operator'] }

function identify(
  options: Partial<ProxyOptions>,
  headers: Record<string, string[]>,
  remoteAddress = '10.1.0.5',
) {
  const proxy = createProxy({ from: ['10.1.0.0/24', '2001:db8::/64'], ...options })
  const request = { headersDistinct: headers, socket: { remoteAddress } }
  return proxy.identify(request as Parameters<typeof proxy.identify>[0])
}

test('a person has the mightiest role of their groups', () => {
  expect(identify({}, operator)).toEqual({ user: 'ann', role: 'operator' })
  const role = (groups: string, roles?: ProxyOptions['roles']) =>
    identify({ roles }, { 'x-forwarded-user': ['ann'], 'x-forwarded-groups': [groups] })
  expect(role('viewer , staff,approver')).toMatchObject({ role: 'approver' })
  expect(role('a=b,/dba', readRoles('operator=/dba,viewer=*'))).toMatchObject({ role: 'operator' })
  expect(role('a=b', readRoles('approver=a=b,viewer=*'))).toMatchObject({ role: 'approver' })
  expect(role('', readRoles('viewer=*'))).toMatchObject({ role: 'viewer' })
  for (const none of ['', 'Operator', 'operators', 'viewer;operator', '*']) {
    expect(role(none), none).toEqual({ refusal: '"ann" is in no group that has a role here' })
  }
})

test('a header counts from a stated address alone', () => {
  for (const address of ['10.1.0.255', '::ffff:10.1.0.5', '2001:db8::1', '2001:DB8:0:0:1::']) {
    expect(identify({}, operator, address), address).toMatchObject({ user: 'ann' })
  }
  for (const address of ['10.1.1.5', '::ffff:10.1.1.5', '2001:db8:0:1::1', '127.0.0.1', '', 'x']) {
    for (const header of Object.keys({ ...operator, 'x-rehome-proxy-secret': 1 })) {
      const found = identify({}, { [header]: ['operator'] }, address)
      expect(found, address).toEqual({
        refusal: expect.stringMatching(/^header ".*" came from .*, which is no trusted proxy$/),
      })
    }
  }
  expect(identify({}, {}, '10.9.9.9')).toBeNull()
})

test('where there is a secret, an address alone does not count', () => {
  const shows = (...shown: string[]) =>
    identify({ secret }, { ...operator, 'x-rehome-proxy-secret': shown })
  expect(shows(secret)).toMatchObject({ role: 'operator' })
  const refusal = expect.stringContaining('has not shown its secret')
  for (const wrong of [[], [''], [`${secret}x`], [secret.slice(1)], [secret, secret]]) {
    expect(shows(...wrong), wrong.join()).toEqual({ refusal })
  }
  expect(identify({ secret }, operator)).toEqual({ refusal })
  expect(identify({ secret }, { 'x-rehome-proxy-secret': [secret] })).toBeNull()
})

test('what a browser has sent beside the header of the proxy is refused', () => {
  for (const name of Object.keys(operator)) {
    const twice = { ...operator, [name]: ['operator', 'viewer'] }
    expect(identify({}, twice)).toEqual({ refusal: expect.stringContaining('sent twice') })
  }
  for (const value of ['Bearer x', 'bearer operator-0123456789abcdef']) {
    expect(identify({}, { ...operator, authorization: [value] })).toEqual({
      refusal: expect.stringContaining('send one of them'),
    })
  }
  expect(identify({}, { ...operator, authorization: ['Basic x'] })).toMatchObject({ user: 'ann' })
  expect(identify({}, { 'x-forwarded-groups': ['operator'] })).toEqual({
    refusal: 'header "x-forwarded-user" names no person',
  })
  expect(identify({}, { ...operator, 'x-forwarded-user': [' '] })).toMatchObject({
    refusal: expect.stringContaining('names no person'),
  })
})

test('a name is one line of text, whatever was sent', () => {
  const nameOf = (bytes: Buffer | string) =>
    identify({}, { ...operator, 'x-forwarded-user': [Buffer.from(bytes).toString('latin1')] })
  expect(nameOf('Zoë ☃')).toMatchObject({ user: 'Zoë ☃' })
  expect(nameOf(Buffer.from([0x5a, 0x6f, 0xeb]))).toMatchObject({ user: 'Zoë' })
  expect(nameOf('a\u202eb\u2028c')).toMatchObject({ user: 'a b c' })
  expect(nameOf('x'.repeat(101))).toEqual({ refusal: expect.stringContaining('100 characters') })
})

test('a proxy that could be anybody is refused at the start', () => {
  const local = ['127.0.0.1', '::1', '127.0.0.0/8', '0.0.0.0/1', '::/1', '127.0.0.1/31']
  for (const from of [...local, '127.0.0.5', '127.9.0.0/16']) {
    expect(() => createProxy({ from: [from] }), from).toThrow(/REHOME_BOARD_PROXY_SECRET/)
    expect(() => createProxy({ from: [from], secret }), from).not.toThrow()
  }
  for (const from of ['0.0.0.0/0', '::/0', 'proxy', '10.0.0.1/33', '10.0.0.1/x', '10.0.0.1/8/8']) {
    expect(() => createProxy({ from: [from], secret }), from).toThrow(/no address or network/)
  }
  const from = ['10.1.0.5']
  expect(() => createProxy({ from, secret: 'short' })).toThrow(/at least 16/)
  expect(() => createProxy({ from, userHeader: 'a b' })).toThrow(/no name of a header/)
  expect(() => createProxy({ from, userHeader: 'X-Forwarded-Groups' })).toThrow(/three names/)
  for (const text of ['admin=a', 'operator', 'operator=', '=a']) {
    expect(() => readRoles(text), text).toThrow(/gives no group a role/)
  }
})

test('a board with a proxy needs no token, and is not open', () => {
  const access = createAccess({ host: '0.0.0.0', proxy: { from: ['10.1.0.5'] } })
  expect([access.open, access.hasTokens]).toEqual([false, false])
  expect(access.callerOf({ authorization: 'Bearer x' }, 1)).toBeNull()
  expect(access.signIn('', { port: 1, https: false })).toBeNull()
  // The browser sends the cookie of the proxy by itself, from any page.
  expect(mayBeForeign({ host: 'board.example' }, 'proxy')).toBe(true)
  expect(mayBeForeign({ host: 'a', origin: 'http://a' }, 'proxy')).toBe(false)
})
