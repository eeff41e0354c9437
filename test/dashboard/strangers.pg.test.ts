// Who is led to a board with tokens by another name, or tries many tokens, does not get in.
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
