// Who is led to a board with tokens by another name, or tries many tokens, does not get in.
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from '../helpers/world.ts'
import { ask, bearer, cookieFor, openBoard, operatorToken, tokens } from './board-world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => await world[Symbol.asyncDispose]())

test('an unlisted host name signs no user in, and listed names do', async () => {
  await using board = await openBoard(world, { ...tokens, allowedHosts: ['board.example'] })
  const cookie = await cookieFor(board, operatorToken)
  for (const path of [`/?token=${operatorToken}`, '/', '/sign-in', '/api/queues']) {
    const refused = await ask(board, path, { headers: { host: 'evil.example', cookie } })
    expect(refused, path).toMatchObject({ status: 403 })
    expect(refused.headers['set-cookie']).toBeUndefined()
    expect(refused.text).toContain('REHOME_BOARD_HOSTS')
    const named = await ask(board, path, { headers: { host: 'board.example:443', cookie } })
    expect([200, 303], path).toContain(named.status)
  }
})

test('an address that gives ten wrong tokens waits a minute, and its sessions go on', async () => {
  await using board = await openBoard(world, tokens)
  const cookie = await cookieFor(board, operatorToken)
  for (let i = 0; i < 5; i += 1) {
    expect((await ask(board, '/', { headers: bearer(`wrong-${i}`) })).status).toBe(401)
    expect((await ask(board, `/?token=wrong-${i}`)).status).toBe(401)
  }
  const waiting = await ask(board, `/?token=${operatorToken}`)
  expect(waiting).toMatchObject({ status: 429, json: { error: 'Too many tries' } })
  expect(Number(waiting.headers['retry-after'])).toBeGreaterThan(0)
  expect((await ask(board, '/', { headers: bearer(operatorToken) })).status).toBe(429)
  expect((await ask(board, '/', { headers: { cookie } })).status).toBe(200)
})

/** Sends the head of a request, then a byte each 20 ms. Resolves with what came until the end. */
async function drip(url: string, head: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const dripping = setInterval(() => socket.write('a'), 20)
  socket.on('error', () => {})
  socket.write(head)
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  await new Promise((resolve) => socket.once('close', resolve))
  clearInterval(dripping)
  return answer
}

test.each([
  ['its headers', 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: '],
  ['its body', 'POST /sign-in HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9999\r\n\r\n'],
])('a request that never ends %s is cut, and others go on', async (_, head) => {
  await using board = await openBoard(world, { ...tokens, requestMs: 300 })
  const dripped = drip(board.url, head)
  expect((await ask(board, '/healthz')).status).toBe(200)
  expect(await dripped).toMatch(/^(HTTP\/1\.1 (408|4\d\d) |$)/)
  expect((await ask(board, '/healthz')).status).toBe(200)
})
