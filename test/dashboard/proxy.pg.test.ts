// A board behind a proxy that signs people in, over real HTTP: who is who, and who is refused.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBoard } from '../../src/dashboard/start-board.ts'
import { createLog } from '../../src/log.ts'
import { createWorld, type World } from '../helpers/world.ts'
import { ask, bearer, cookieFor, operatorToken, tokens } from './board-world.ts'

const secret = 'shared-0123456789abcdef'
const proxy = { from: ['127.0.0.1'], secret, roles: { operator: ['dba'], viewer: ['*'] } }
const log = createLog({ level: 'silent' })

let world: World
let runId = ''
beforeAll(async () => {
  world = await createWorld()
  await world.addTenant('acme')
  runId = (await world.rehome.enqueue(world.plan())).runId ?? ''
})
afterAll(() => world[Symbol.asyncDispose]())

const as = (user: string, groups = '', more: Record<string, string> = {}) => ({
  ...{ 'x-forwarded-user': user, 'x-forwarded-groups': groups, 'x-rehome-proxy-secret': secret },
  ...more,
})

test('the proxy says who decides, and no form can say otherwise', async () => {
  await using board = await startBoard({ rehome: world.rehome, proxy, log })
  const page = `/steer/${runId}/pause`
  const shown = await ask(board, page, { headers: as('Zoë', 'dba') })
  expect(shown.text).toMatch(/name="by" value="Zo.*" [^>]*readonly/)
  const headers = as('ann', 'staff,dba', {
    origin: board.url,
    'content-type': 'application/x-www-form-urlencoded',
  })
  const body = 'by=mallory&reason=because&confirmed=yes'
  const viewer = { ...headers, 'x-forwarded-groups': 'staff' }
  expect((await ask(board, page, { method: 'POST', headers: viewer, body })).status).toBe(403)
  const without = as('ann', 'dba', { 'content-type': 'application/x-www-form-urlencoded' })
  expect((await ask(board, page, { method: 'POST', headers: without, body })).status).toBe(403)
  const foreign = { ...headers, origin: 'https://evil.example' }
  expect((await ask(board, page, { method: 'POST', headers: foreign, body })).status).toBe(403)
  expect((await world.rehome.status(runId)).run.paused).toBeNull()
  expect((await ask(board, page, { method: 'POST', headers, body })).status).toBe(303)
  const json = { ...headers, 'content-type': 'application/json' }
  const resume = { method: 'POST', headers: json, body: '{"by":"mallory","reason":"go on"}' }
  expect((await ask(board, `/api/runs/${runId}/resume`, resume)).status).toBe(200)
  const decided = (await world.rehome.history(runId)).map(({ kind, by }) => [kind, by])
  expect(decided).toEqual(
    expect.arrayContaining([
      ['paused', 'ann (operator on the board)'],
      ['resumed', 'ann (operator on the board)'],
    ]),
  )
  expect(JSON.stringify(decided)).not.toContain('mallory')
})

test('headers of strangers are refused, with or without a token', async () => {
  await using board = await startBoard({ rehome: world.rehome, proxy, ...tokens, log })
  const status = async (headers: Record<string, string>) =>
    (await ask(board, '/runs', { headers })).status
  expect(await status(as('ann', 'dba'))).toBe(200)
  expect(await status(as('ann'))).toBe(200)
  // A header without the secret, a wrong one, and beside a token or a cookie that is right.
  const spoofed = { 'x-forwarded-user': 'ann', 'x-forwarded-groups': 'dba' }
  const cookie = await cookieFor(board, operatorToken)
  expect(await status(spoofed)).toBe(403)
  expect(await status({ ...spoofed, 'x-rehome-proxy-secret': `${secret}x` })).toBe(403)
  expect(await status({ ...spoofed, ...bearer(operatorToken) })).toBe(403)
  expect(await status({ ...spoofed, cookie })).toBe(403)
  expect(await status(as('ann', 'dba', bearer(operatorToken)))).toBe(403)
  // A viewer of the proxy stays one, whatever session the browser has besides.
  const pause = { method: 'PUT', headers: as('bob', 'staff', { cookie, origin: board.url }) }
  expect((await ask(board, '/api/queues/rehome-cleanups/pause', pause)).status).toBe(403)
  expect(await status(bearer(operatorToken))).toBe(200)
  expect(await status({ cookie })).toBe(200)
  expect(await status({})).toBe(401)
})

test('without tokens the proxy is the only way in', async () => {
  await using board = await startBoard({ rehome: world.rehome, proxy, log })
  const refused = await ask(board, '/runs', { headers: { accept: 'text/html' } })
  expect([refused.status, refused.text]).toEqual([401, expect.stringContaining('open the board')])
  expect((await ask(board, '/sign-in')).headers.location).toBe('/')
  expect((await ask(board, '/runs', { headers: bearer('') })).status).toBe(401)
  expect((await ask(board, '/healthz')).status).toBe(200)
  const named = as('ann', 'dba', { host: 'evil.example' })
  expect((await ask(board, '/runs', { headers: named })).status).toBe(403)
})
