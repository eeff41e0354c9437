// Who may do what over real HTTP: open on loopback, with tokens, as a viewer, and from other sites.
import { Writable } from 'node:stream'
import { appRoutes } from '@bull-board/api/dist/routes.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Board } from '../../src/dashboard/start-board.ts'
import { createLog } from '../../src/log.ts'
import { createWorld, type World } from '../helpers/world.ts'
import {
  type Asked,
  ask,
  bearer,
  cookieFor,
  openBoard,
  operatorToken,
  tokens,
  viewerToken,
} from './board-world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const pause = '/api/queues/rehome-cleanups/pause'
const put = (headers: Record<string, string> = {}): Asked => ({ method: 'PUT', headers })

async function paused(): Promise<boolean> {
  return await world.rehome.queues.byErrand.cleanup.isPaused()
}

/** The status of a pause, having checked that it took place exactly if it was answered with 200. */
async function statusOfPause(board: Board, headers: Record<string, string>): Promise<number> {
  const { cleanup } = world.rehome.queues.byErrand
  await cleanup.resume()
  const { status } = await ask(board, pause, put(headers))
  expect(await paused()).toBe(status === 200)
  await cleanup.resume()
  return status
}

describe('on loopback without a token', () => {
  test('everybody is an operator', async () => {
    await using board = await openBoard(world)
    expect(board.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect((await ask(board, '/')).status).toBe(200)
    expect(await statusOfPause(board, {})).toBe(200)
    expect(await statusOfPause(board, { origin: board.url })).toBe(200)
    expect((await ask(board, '/sign-in')).headers.location).toBe('/')
  })

  test('a name that was pointed at this machine is not served', async () => {
    await using board = await openBoard(world)
    const { port } = new URL(board.url)
    for (const path of ['/', '/api/queues', '/static/images/logo.svg', '/nowhere']) {
      const refused = await ask(board, path, { headers: { host: `evil.example:${port}` } })
      expect(refused, path).toMatchObject({ status: 403 })
      expect(refused.text).toContain('open it as http://127.0.0.1')
    }
    expect(await statusOfPause(board, { host: `evil.example:${port}` })).toBe(403)
    for (const host of [`localhost:${port}`, 'localhost', `[::1]:${port}`]) {
      expect((await ask(board, '/', { headers: { host } })).status).toBe(200)
    }
  })

  test("another site's page changes nothing", async () => {
    await using board = await openBoard(world)
    for (const headers of [
      { origin: 'http://evil.example' },
      { origin: board.url.replace('127.0.0.1', 'localhost') },
      { origin: `${board.url}0` },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: board.url, 'sec-fetch-site': 'same-site' },
    ]) {
      expect(await statusOfPause(board, headers), JSON.stringify(headers)).toBe(403)
    }
  })
})

describe('with tokens', () => {
  test('every request without one is refused, except the health check', async () => {
    await using board = await openBoard(world, tokens)
    for (const path of [
      '/',
      '/api/queues',
      '/runs',
      '/runs/a/live',
      '/tenants/a/b',
      '/static/images/logo.svg',
      '/nowhere',
    ]) {
      const refused = await ask(board, path)
      expect(refused, path).toMatchObject({ status: 401 })
      expect(refused.headers['www-authenticate']).toBe('Bearer')
    }
    expect((await ask(board, '/api/queues', { headers: bearer('wrong') })).status).toBe(401)
    expect(await statusOfPause(board, {})).toBe(401)
    expect(await statusOfPause(board, { origin: board.url })).toBe(401)
    expect(await ask(board, '/healthz')).toMatchObject({ status: 200, json: { status: 'ok' } })
  })

  test('a bearer gets what his role may, from any host', async () => {
    await using board = await openBoard(world, tokens)
    const headers = bearer(operatorToken)
    expect((await ask(board, '/api/queues', { headers })).status).toBe(200)
    expect(await statusOfPause(board, { ...headers, host: 'board.example' })).toBe(200)
    expect((await ask(board, '/api/queues', { headers: bearer(viewerToken) })).status).toBe(200)
    expect(await statusOfPause(board, bearer(viewerToken))).toBe(403)
  })

  test('a token in the address is exchanged for a cookie and taken out of it', async () => {
    await using board = await openBoard(world, tokens)
    const path = `/queue/rehome-moves?status=failed&token=${operatorToken}`
    const { status, headers } = await ask(board, path)
    expect({ status, location: headers.location }).toEqual({
      status: 303,
      location: '/queue/rehome-moves?status=failed',
    })
    const [set] = headers['set-cookie'] ?? []
    expect(set).toMatch(/^rehome_\d+=operator\.\d+\.[\w-]{43}; .*HttpOnly; SameSite=Strict$/)
    expect(set).not.toContain(operatorToken)
    const cookie = await cookieFor(board, operatorToken)
    expect((await ask(board, '/', { headers: { cookie } })).status).toBe(200)
    const wrong = await ask(board, '/?token=wrong')
    expect(wrong.status).toBe(401)
    expect(wrong.headers['set-cookie']).toBeUndefined()
    expect(wrong.text).toContain('That is not the token of this board.')
    const astray = await ask(board, `//evil.example/..//evil.example?token=${operatorToken}`)
    expect(astray.headers.location).toBe('/')
  })

  test('a browser is asked for the token, and led on to where it wanted to go', async () => {
    await using board = await openBoard(world, tokens)
    const html = { accept: 'text/html,*/*' }
    const asked = await ask(board, '/tenants/run-1/a?q="><b>', { headers: html })
    expect(asked.status).toBe(401)
    expect(asked.text).toContain('name="to" value="/tenants/run-1/a?q=%22%3E%3Cb%3E"')
    const type = { 'content-type': 'application/x-www-form-urlencoded', origin: board.url }
    const form = (token: string, to: string, headers: Record<string, string> = type) => {
      const body = new URLSearchParams({ token, to }).toString()
      return ask(board, '/sign-in', { method: 'POST', headers, body })
    }
    const right = await form(viewerToken, '/tenants/run-1/a')
    expect(right).toMatchObject({ status: 303, headers: { location: '/tenants/run-1/a' } })
    expect(String(right.headers['set-cookie'])).toMatch(/^rehome_\d+=viewer\./)
    expect((await form(operatorToken, 'http://evil.example/x')).headers.location).toBe('/')
    expect(await form('wrong', '/')).toMatchObject({ status: 401 })
    expect((await form('wrong', '/')).headers['set-cookie']).toBeUndefined()
    const foreign = { ...type, origin: 'http://evil.example' }
    expect((await form(operatorToken, '/', foreign)).status).toBe(403)
  })

  test('a cookie changes something only from a page of this board', async () => {
    await using board = await openBoard(world, tokens)
    const cookie = await cookieFor(board, operatorToken)
    expect(await statusOfPause(board, { cookie, origin: board.url })).toBe(200)
    expect(await statusOfPause(board, { cookie, 'sec-fetch-site': 'same-origin' })).toBe(200)
    expect(await statusOfPause(board, { cookie })).toBe(403)
    expect(await statusOfPause(board, { cookie, origin: 'http://evil.example' })).toBe(403)
    expect(await statusOfPause(board, { cookie, 'sec-fetch-site': 'cross-site' })).toBe(403)
  })

  test('a cookie of another board, or from before a restart, is worth nothing', async () => {
    await using other = await openBoard(world, tokens)
    const cookie = await cookieFor(other, operatorToken)
    await using board = await openBoard(world, tokens)
    const port = new URL(board.url).port
    const renamed = cookie.replace(/^rehome_\d+/, `rehome_${port}`)
    expect((await ask(board, '/', { headers: { cookie: renamed } })).status).toBe(401)
  })

  test('a viewer changes nothing by any route that Bull Board has, or we have', async () => {
    await using board = await openBoard(world, tokens)
    const cookie = await cookieFor(board, viewerToken)
    const own = { method: 'post', route: '/actions/rollback/run-1/acme' }
    const routes = [...appRoutes.api, own].flatMap(({ method, route }) =>
      [method].flat().flatMap((m) => [route].flat().map((path) => ({ method: m, path }))),
    )
    const writing = routes.filter(({ method }) => method !== 'get')
    expect(writing.length).toBeGreaterThan(20)
    for (const { method, path } of writing) {
      for (const headers of [{ cookie, origin: board.url }, bearer(viewerToken)]) {
        const filled = path.replace(':queueName', 'rehome-cleanups').replace(/:\w+/g, 'failed')
        const answer = await ask(board, filled, { method: method.toUpperCase(), headers })
        expect(answer, `${method} ${path}`).toMatchObject({ status: 403 })
        expect(answer.text).toContain('viewers change nothing')
      }
    }
    for (const method of ['DELETE', 'OPTIONS', 'PATCH']) {
      const headers = { cookie, origin: board.url }
      expect((await ask(board, '/', { method, headers })).status, method).toBe(403)
    }
    expect(await paused()).toBe(false)
  })

  test('a viewer is shown no buttons, an operator is', async () => {
    await using board = await openBoard(world, tokens)
    const queues = async (token: string) =>
      (await ask(board, '/api/queues', { headers: bearer(token) })).json
    const shown = (readOnlyMode: boolean) => ({
      queues: ['rehome-moves', 'rehome-rollbacks', 'rehome-windows', 'rehome-cleanups'].map(
        (name) => expect.objectContaining({ name, readOnlyMode, allowCompletedRetries: false }),
      ),
    })
    expect(await queues(viewerToken)).toEqual(shown(true))
    expect(await queues(operatorToken)).toEqual(shown(false))
  })
})

test('every answer keeps the browser from being used against us', async () => {
  await using open = await openBoard(world)
  await using closed = await openBoard(world, tokens)
  for (const board of [open, closed]) {
    for (const path of [
      '/',
      '/api/queues',
      '/sign-in',
      '/runs',
      '/tenants/a/b',
      '/healthz',
      '/x',
    ]) {
      const { headers } = await ask(board, path, { headers: { accept: 'text/html' } })
      expect(headers, path).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
        'cache-control': 'no-store',
      })
    }
  }
})

test('the page loads nothing from other sites', async () => {
  await using board = await openBoard(world)
  const { text } = await ask(board, '/')
  expect(text).toContain('<title>rehome</title>')
  expect(text.match(/(?:src|href)="(?!\/"|static\/)[^"]*"/g)).toBeNull()
})

test('no log line holds a token or a cookie, and each change says who and what', async () => {
  let written = ''
  const destination = new Writable({
    write(chunk, _encoding, done) {
      written += chunk
      done()
    },
  })
  const log = createLog({ level: 'trace', destination })
  await using board = await openBoard(world, { ...tokens, log })
  const cookie = await cookieFor(board, operatorToken)
  await ask(board, `/?token=wrong-${operatorToken}`)
  await ask(board, `/queue/x?token=${viewerToken}`)
  expect(await statusOfPause(board, { cookie, origin: board.url })).toBe(200)
  expect(await statusOfPause(board, { cookie, origin: 'http://evil.example' })).toBe(403)
  expect(await statusOfPause(board, bearer(viewerToken))).toBe(403)
  await board.close()
  for (const secret of [operatorToken, viewerToken, cookie.split('.')[2] ?? '?']) {
    expect(written).not.toContain(secret)
  }
  const asked = '"method":"PUT","route":"/api/queues/:queueName/pause"'
  expect(written).toMatch(new RegExp(`"role":"operator","by":"cookie".*${asked}.*"status":200`))
  expect(written).toMatch(new RegExp(`"role":"viewer","by":"bearer".*${asked}.*"status":403`))
})

test('a port that is taken, and an address that is not ours, are said in one line', async () => {
  await using board = await openBoard(world)
  const port = Number(new URL(board.url).port)
  await expect(openBoard(world, { port })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(
      `cannot listen on port ${port} of 127.0.0.1: listen EADDRINUSE`,
    ),
  })
  await expect(openBoard(world, { host: '0.0.0.0' })).rejects.toMatchObject({
    code: 'SETTING_MISSING',
  })
  await using open = await openBoard(world, { host: '0.0.0.0', ...tokens })
  expect((await ask(open, '/healthz')).status).toBe(200)
})

test('closing it again does nothing, and the library stays open', async () => {
  const board = await openBoard(world)
  await ask(board, '/api/queues')
  await Promise.all([board.close(), board.close()])
  await board.close()
  await expect(ask(board, '/healthz')).rejects.toThrow('ECONNREFUSED')
  expect(await world.rehome.runs()).toEqual([])
})
