// Requests to an end need its secret; a signature is good for one request and some time.
import { createHash, createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cast as castType } from '../../../src/ends/http/protocol/row-operations.ts'
import { createHttpEnd } from '../../../src/http-end/entry.ts'
import type { Between } from '../../helpers/http-end.ts'
import { secret, serveEnd, smallTables } from '../../helpers/http-end.ts'
import { bothEnds, createHttpWorld } from '../../helpers/http-world.ts'
import { ended, expectHome, flagsAt, moveOf, rowsAt, runAll, tryWrite } from '../../helpers/runs.ts'
import { createWorld, type World } from '../../helpers/world.ts'

describe('a worker', () => {
  test.each([
    ['with another secret', { END_SECRET: 'another-secret-of-some-length' }, 'ACCESS_DENIED'],
    ['without a secret', { END_SECRET: '' }, 'SETTING_MISSING'],
    ['whose secret is no token', { END_SECRET: 'two words and a ü' }, 'PLAN_INVALID'],
  ])('%s moves no tenant', async (_, environment, code) => {
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
  readonly host?: string
  readonly path?: string
  readonly method?: string
  readonly body?: string
  /** Instead of that of the body. */
  readonly hash?: string
}

interface Shown {
  readonly authorization: string
  readonly hash?: string
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

const body = JSON.stringify({ scope: 'default', tenant: 'acme' })

/** A signature as docs/http.md describes it. */
function signature(url: string, signed: Signed = {}): Shown {
  const { key = secret, at = Date.now(), method = 'POST', host = new URL(url).host } = signed
  const { path = '/rehome/v1/flags/read-flag', hash = hashOf(signed.body ?? body) } = signed
  const hmac = createHmac('sha256', key).update([at, method, host, path, hash].join('\n'))
  return { authorization: `Rehome-HMAC ${at}:${hmac.digest('hex')}`, hash }
}

function changed(shown: Shown, change: (authorization: string) => string): Shown {
  return { ...shown, authorization: change(shown.authorization) }
}

const minute = 60_000

describe('an end', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld()
  })
  afterAll(async () => await world[Symbol.asyncDispose]())

  type Show = (url: string) => Shown | null
  const at = (offMinutes: number): Show => {
    return (url) => signature(url, { at: Date.now() + offMinutes * minute })
  }
  const altered = (change: (authorization: string) => string): Show => {
    return (url) => changed(signature(url), change)
  }
  test.each<[what: string, status: number, show: Show]>([
    ['signed as it is', 200, (url) => signature(url)],
    ['signed four minutes ago', 200, at(-4)],
    ['signed six minutes ago', 401, at(-6)],
    ['signed for later', 401, at(6)],
    ['signed with another body', 401, (url) => signature(url, { body: body.replace('e', 'u') })],
    ['signed for another path', 401, (url) => signature(url, { path: '/v1/flags/read-flag' })],
    ['signed with a query', 401, (url) => signature(url, { path: '/rehome/v1/flags/read-flag?a' })],
    ['signed for another host', 401, (url) => signature(url, { host: 'elsewhere.example' })],
    ['signed for another method', 401, (url) => signature(url, { method: 'PUT' })],
    ['signed with another key', 401, (url) => signature(url, { key: `${secret}.` })],
    ['whose hash is none', 401, (url) => signature(url, { hash: 'none' })],
    ['that says no hash', 401, (url) => ({ authorization: signature(url).authorization })],
    ['that says another hash', 401, (url) => ({ ...signature(url), hash: hashOf('another') })],
    ['with a time that is none', 401, altered((text) => text.replace(/ \d+:/, ' soon:'))],
    ['with a part behind the signature', 401, altered((text) => `${text}:x`)],
    ['with a word behind the signature', 401, altered((text) => `${text} x`)],
    ['with half a signature', 401, altered((text) => text.slice(0, -32))],
    [
      'with another time',
      401,
      altered((text) => text.replace(/\d:/, (last) => `${(Number.parseInt(last, 10) + 1) % 10}:`)),
    ],
    ['that shows the key itself', 401, () => ({ authorization: `Bearer ${secret}` })],
    ['that shows nothing', 401, () => null],
  ])('that wants signatures answers a request %s with %i', async (_, status, show) => {
    await using end = await serveEnd(world.source, { hmac: true })
    const { authorization, hash } = show(end.url) ?? {}
    const answer = await fetch(`${end.url}/v1/flags/read-flag`, {
      ...{ method: 'POST', body },
      headers: {
        'content-type': 'application/json',
        ...(authorization && { authorization }),
        ...(hash && { 'rehome-content-sha256': hash }),
      },
    })
    expect(answer.status).toBe(status)
    const read = await answer.json()
    if (status === 200) expect(read).toBeNull()
    else expect(read).toMatchObject({ code: 'ACCESS_DENIED', retryable: false })
  })

  test('reads nothing of a body before it knows who asks, and answers', async () => {
    const read: number[] = []
    const between: Between = (handler) => async (request, response) => {
      await handler(request, response)
      read.push(request.socket.bytesRead)
    }
    await using end = await serveEnd(world.source, { hmac: true, between })
    const large = Buffer.alloc(32 * 1024 * 1024, 'x')
    const shown: (Record<string, string> | undefined)[] = [
      undefined,
      { authorization: `Rehome-HMAC ${Date.now()}:x` },
      { authorization: `Rehome-HMAC ${Date.now()}:${'0'.repeat(64)}` },
    ]
    for (const headers of shown) {
      const sent = fetch(`${end.url}/v1/rows/write`, {
        ...{ method: 'POST', body: large, ...(headers && { headers }) },
      })
      // What is still sent when the answer is there may cut the connection.
      const status = await sent.then((answer) => answer.status).catch(() => 'cut')
      expect([401, 'cut']).toContain(status)
    }
    expect(read).toHaveLength(3)
    for (const bytes of read) expect(bytes).toBeLessThan(2 * 1024 * 1024)
  })

  test('behind something that changes host and path knows them by its `baseUrl`', async () => {
    const end = createHttpEnd({
      ...{ pool: world.source.pool, tables: smallTables, auth: { hmac: secret } },
      baseUrl: 'https://app.example/rehome',
    })
    await end.install()
    const { authorization, hash = '' } = signature('https://app.example')
    const asked = async (headers: Record<string, string>) => {
      const at = 'http://inside:8080/v1/flags/read-flag'
      return await end.handle(new Request(at, { method: 'POST', body, headers }))
    }
    expect((await asked({ authorization, 'rehome-content-sha256': hash })).status).toBe(200)
    const inside = signature('http://inside:8080', { path: '/v1/flags/read-flag' })
    const shown = { authorization: inside.authorization, 'rehome-content-sha256': hash }
    expect((await asked(shown)).status).toBe(401)
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
