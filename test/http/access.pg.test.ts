// Whoever asks an end has to know its secret; a signature is good for one request and some time.
import { createHash, createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cast as castType } from '../../src/endpoints/http/protocol/rows.ts'
import type { Between } from '../helpers/http-end.ts'
import { secret, serveEnd } from '../helpers/http-end.ts'
import { bothEnds, createHttpWorld } from '../helpers/http-world.ts'
import { ended, expectHome, flagsAt, moveOf, rowsAt, runAll, tryWrite } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

describe('a worker', () => {
  test.each([
    ['with another secret', { END_SECRET: 'another-secret-of-some-length' }, 'ACCESS_DENIED'],
    ['without a secret', { END_SECRET: '' }, 'SETTING_MISSING'],
    ['whose secret is no token', { END_SECRET: 'two words and a ü' }, 'PLAN_INVALID'],
  ])('%s moves nobody', async (_, environment, code) => {
    await using world = await createHttpWorld({ over: bothEnds })
    await world.addTenant('acme')
    const { runId } = await world.rehome.enqueue(world.plan())
    const working = world.work(undefined, environment)
    if (code === 'ACCESS_DENIED') {
      await using _worker = await working
      const move = (await ended(world, runId)).get('acme')
      expect(move).toMatchObject({ phase: 'failed', error_code: code, attempt: 1 })
      expect(move?.error_message).not.toContain(secret)
    } else {
      await expect(working).rejects.toMatchObject({ code })
    }
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
    expect([...(await flagsAt(world, 'source')), ...(await flagsAt(world, 'target'))]).toEqual([])
  })

  test('signs its requests instead of showing the secret, if the plan says so', async () => {
    const shown = new Set<string>()
    const between: Between = (handler) => (request, response) => {
      shown.add(request.headers.authorization ?? 'nothing')
      return handler(request, response)
    }
    await using world = await createHttpWorld({
      ...{ over: bothEnds, asking: { auth: { hmacFrom: 'END_SECRET' } } },
      serve: () => ({ hmac: true, between }),
    })
    await world.addTenant('acme', 40)
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect([move.phase, move.error_message]).toEqual(['moved', null])
    expect(await rowsAt(world, 'target', 'acme')).toEqual(await rowsAt(world, 'source', 'acme'))
    await expectHome(world, 'acme', 'target')
    for (const header of shown) expect(header).toMatch(/^Rehome-HMAC \d{13}:[0-9a-f]{64}$/)
  })
})

interface Signed {
  readonly key?: string
  readonly at?: number
  readonly path?: string
  readonly method?: string
  readonly body?: string
}

const body = JSON.stringify({ scope: 'default', tenant: 'acme' })

/** As docs/http.md says it. */
function signature(signed: Signed = {}): string {
  const { key = secret, at = Date.now(), path = '/v1/flags/read-flag', method = 'POST' } = signed
  const hash = createHash('sha256')
    .update(signed.body ?? body)
    .digest('hex')
  const hmac = createHmac('sha256', key).update([at, method, path, hash].join('\n'))
  return `Rehome-HMAC ${at}:${hmac.digest('hex')}`
}

const minute = 60_000

describe('an end', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld()
  })
  afterAll(async () => await world[Symbol.asyncDispose]())

  test.each<[what: string, status: number, authorization: () => string | null]>([
    ['signed as it is', 200, () => signature()],
    ['signed four minutes ago', 200, () => signature({ at: Date.now() - 4 * minute })],
    ['signed six minutes ago', 401, () => signature({ at: Date.now() - 6 * minute })],
    ['signed for later', 401, () => signature({ at: Date.now() + 6 * minute })],
    ['signed with another body', 401, () => signature({ body: body.replace('acme', 'umbra') })],
    ['signed for another path', 401, () => signature({ path: '/v1/flags/answer' })],
    ['signed for another method', 401, () => signature({ method: 'PUT' })],
    ['signed with another key', 401, () => signature({ key: `${secret}.` })],
    ['with a time that is none', 401, () => signature().replace(/ \d+:/, ' soon:')],
    [
      'with another time',
      401,
      () => signature().replace(/\d:/, (last) => `${(Number.parseInt(last, 10) + 1) % 10}:`),
    ],
    ['that shows the key itself', 401, () => `Bearer ${secret}`],
    ['that shows nothing', 401, () => null],
  ])('that wants signatures answers a request %s with %i', async (_, status, authorization) => {
    await using end = await serveEnd(world.source, { hmac: true })
    const shown = authorization()
    const answer = await fetch(`${end.url}/v1/flags/read-flag`, {
      ...{ method: 'POST', body },
      headers: { 'content-type': 'application/json', ...(shown && { authorization: shown }) },
    })
    expect(answer.status).toBe(status)
    const read = await answer.json()
    if (status === 200) expect(read).toBeNull()
    else expect(read).toMatchObject({ code: 'ACCESS_DENIED', retryable: false })
  })

  test.each(['Bearer wrong', `bearer ${secret}x`, `Basic ${btoa(`a:${secret}`)}`, secret, ' '])(
    'that wants a token refuses "%s"',
    async (authorization) => {
      await using end = await serveEnd(world.source)
      for (const path of ['v1', 'v1/flags/read-flag', 'v1/rows/write', 'nothing']) {
        const method = path === 'v1' ? 'GET' : 'POST'
        const headers = { authorization }
        const answer = await fetch(`${end.url}/${path}`, { method, headers })
        expect([path, answer.status]).toEqual([path, 401])
        expect(answer.headers.get('www-authenticate')).toBe('Bearer')
        expect(await answer.text()).not.toContain(secret)
      }
    },
  )

  test.each([
    'text from tenants r union select null',
    'text, tenant_id',
    'text)) --',
    'text collate "C"',
    'a.b.c',
    '"text',
    'text"',
    '"a"" or 1=1',
    'text(1) over',
    'numeric(1;2)',
  ])('takes no other words for a type: %s', async (cast) => {
    await using end = await serveEnd(world.source)
    const columns = [{ column: 'body', cast }]
    const of = { scope: 'default', tenant: 'acme', table: 'notes' }
    const asked = await fetch(`${end.url}/v1/rows/read`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
      body: JSON.stringify({ ...of, columns, cursor: null, limit: 10 }),
    })
    expect([asked.status, await asked.json()]).toEqual([
      400,
      expect.objectContaining({ code: 'USAGE', detail: 'columns.0.cast: is no type' }),
    ])
  })

  test.each([
    ...['text', 'double precision', 'numeric(10,2)', 'character varying(20)', '"char"', 'mood[]'],
    ...['timestamp(3) with time zone', 'public.mood', '"public"."mood"', 'interval day to second'],
  ])('takes a type as PostgreSQL writes it: %s', (cast) => {
    expect(castType.safeParse(cast).success).toBe(true)
  })
})
