// A refused write as people and programs meet it, on every framework over a real server.
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { frameworks } from '../../helpers/client/apps.ts'
import type { TestHomes } from '../../helpers/client/homes.ts'
import { type Served, serve } from '../../helpers/client/served.ts'
import { eventually } from '../../helpers/eventually.ts'
import { partOf } from '../../helpers/rotation.ts'

const problem = {
  type: 'urn:rehome:tenant-read-only',
  title: 'Read-only for now',
  status: 503,
  detail: 'Your change was not saved. Please try again in 7 seconds.',
  tenant: 'acme',
  reason: 'test',
  retryAfterS: 7,
}

const browser = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
}

const early = ({ look }: TestHomes) => ({ look })

const headersOf = ({ headers }: Response, ...names: string[]) =>
  names.map((name) => headers.get(name))

async function sayReason({ db }: Served, reason: string): Promise<void> {
  await db.pool.query('update rehome.tenant_flags set reason = $1', [reason])
}

// Half of the frameworks with each commit.
describe.each(partOf(Object.entries(frameworks), 2))('read-only mode on %s', (_, framework) => {
  test('answers a refused write in JSON, and lets all other tenants write', async () => {
    await using app = await serve(framework)
    const refused = await app.post('/notes')
    expect(refused.status).toBe(503)
    expect(await refused.json()).toEqual(problem)
    const names = ['content-type', 'retry-after', 'tenant-mode', 'cache-control']
    expect(headersOf(refused, ...names)).toEqual([
      'application/problem+json; charset=utf-8',
      '7',
      'read-only',
      'no-store',
    ])
    // What the application had set before stays.
    expect(refused.headers.get('vary')).toMatch(/^(Origin, ?Accept|Accept, ?Origin)$/)
    expect(refused.headers.getSetCookie()).toEqual(['session=1'])
    const other = await app.post('/notes', { as: 'beta' })
    expect([other.status, await other.text()]).toEqual([201, 'saved a note'])
    expect(other.headers.get('tenant-mode')).toBe(null)
    expect(app.runs).toHaveLength(2)
  })

  test('answers a browser with a page', async () => {
    await using app = await serve(framework)
    await sayReason(app, `<script>alert("${'x'}")</script> & more`)
    const refused = await app.post('/notes', { headers: browser })
    expect(refused.status).toBe(503)
    expect(headersOf(refused, 'content-type', 'retry-after')).toEqual([
      'text/html; charset=utf-8',
      '7',
    ])
    const page = await refused.text()
    expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more')
    expect(page).not.toContain('<script')
    expect(page).toContain('Please try again in 7 seconds.')
  })

  test('sends a form back where it came from, with a notice, if so wanted', async () => {
    await using app = await serve(framework, () => ({ redirect: true }))
    const backFrom = async (referer: string) => {
      const answer = await app.post('/notes', { headers: { ...browser, referer } })
      expect([answer.status, await answer.text()]).toEqual([303, ''])
      expect(answer.headers.getSetCookie()).toEqual([
        expect.stringMatching(/^(session=1|rehome-notice=later-7; Path=\/; Max-Age=60; HttpOnly)/),
        expect.stringMatching(/^(session=1|rehome-notice=later-7; Path=\/; Max-Age=60; HttpOnly)/),
      ])
      return answer.headers.get('location')
    }
    expect(await backFrom(`${app.url}/notes/new?copy=1#end`)).toBe('/notes/new?copy=1')
    expect(await backFrom('https://evil.example/notes')).toBe('/')
    expect(await backFrom(`${app.url}//evil.example/x`)).toBe('/evil.example/x')
    expect(await backFrom('no url')).toBe('/')
    const json = await app.post('/notes')
    expect([json.status, json.headers.get('location')]).toEqual([503, null])
    const read = await app.post('/notes', { method: 'GET', headers: browser })
    expect(read.status).toBe(503)
  })

  test('answers 403 without Retry-After where the end is unknown', async () => {
    await using app = await serve(framework, early)
    await sayReason(app, 'for good')
    const refused = await app.post('/notes')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([403, null])
    const { retryAfterS: _, ...known } = problem
    const detail =
      'Your change was not saved. It is not known yet when changes will be possible again.'
    expect(await refused.json()).toEqual({ ...known, status: 403, reason: 'for good', detail })
  })

  test('knows before the handler does, of writes alone', async () => {
    await using app = await serve(framework, early)
    const refused = await app.post('/notes')
    expect([refused.status, await refused.json()]).toEqual([503, problem])
    expect(app.runs).toEqual([])
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      const read = await app.post('/reads', { method })
      expect([method, read.status]).toEqual([method, 201])
    }
    expect((await app.post('/notes', { as: 'beta' })).status).toBe(201)
    await app.mover.lower()
    expect((await app.post('/notes')).status).toBe(201)
    expect(app.runs).toHaveLength(5)
  })

  test('answers HEAD as GET, without a body', async () => {
    await using app = await serve(framework)
    const refused = await app.post('/notes', { method: 'HEAD' })
    expect([refused.status, await refused.text()]).toEqual([503, ''])
    expect(headersOf(refused, 'retry-after', 'tenant-mode')).toEqual(['7', 'read-only'])
  })

  test('leaves exempt paths to the handler, and still translates what it lets through', async () => {
    await using app = await serve(framework, ({ look }) => ({ look, exempt: ['/sign-in'] }))
    const kept = await app.post('/sign-in/kept?as=me')
    expect([kept.status, await kept.text()]).toEqual([201, 'signed in'])
    expect((await app.post('/sign-in')).status).toBe(503)
    expect(app.runs).toHaveLength(2)
    expect((await app.post('/sign-in-not')).status).toBe(503)
    expect(app.runs).toHaveLength(2)
  })

  test('goes on where looking fails, or never ends', async () => {
    const look = () => Promise.reject(new Error('no database'))
    await using app = await serve(framework, () => ({ look }))
    expect((await app.post('/notes', { as: 'beta' })).status).toBe(201)
    expect((await app.post('/notes')).status).toBe(503)
    await using slow = await serve(framework, () => ({ look: () => new Promise(() => {}) }))
    expect((await slow.post('/notes', { as: 'beta' })).status).toBe(201)
  })

  test('leaves all other errors to the application', async () => {
    await using app = await serve(framework, early)
    for (const path of ['/broken', '/native']) {
      const answer = await app.post(path, { as: 'beta' })
      expect([answer.status, await answer.text()]).toEqual([500, 'own'])
      expect(answer.headers.get('tenant-mode')).toBe(null)
    }
    expect(app.errors).toEqual([
      expect.objectContaining({ message: 'broken' }),
      expect.objectContaining({ code: '25006' }),
    ])
  })

  test('tells nothing of another tenant, nor of where one has gone', async () => {
    await using app = await serve(framework)
    await app.mover.drain()
    expect(await app.mover.cutOver()).toBe(true)
    await sayReason(app, 'secret')
    for (const [as, told] of [
      ['acme', true],
      ['beta', false],
      ['', false],
    ] as const) {
      for (const headers of [{}, browser]) {
        const answer = await app.post('/for-acme', { as, headers })
        const body = `${JSON.stringify([...answer.headers])} ${await answer.text()}`
        expect([as, answer.status, body.includes('secret')]).toEqual([as, 503, told])
        if (!told) expect(body).not.toContain('"acme"')
        expect(body).not.toMatch(new RegExp(`there|${app.mover.epoch}`))
      }
    }
  })

  test('lets no line of a reason or a tenant become a header', async () => {
    await using app = await serve(framework, () => ({ redirect: true }))
    await sayReason(app, 'a\r\nset-cookie: evil=1\r\n\r\n</p><h1>evil</h1>')
    const json = await app.post('/notes')
    expect(await json.json()).toMatchObject({ reason: expect.stringContaining('\r\nset-cookie:') })
    expect(json.headers.getSetCookie()).toEqual(['session=1'])
    const referer = `${app.url}/a%0d%0aset-cookie:evil=1`
    const form = await app.post('/notes', { headers: { ...browser, referer } })
    expect(form.headers.get('location')).toBe('/a%0d%0aset-cookie:evil=1')
    const page = await app.post('/notes', { method: 'GET', headers: browser })
    expect(await page.text()).not.toContain('<h1>evil')
  })

  test('shows a page of the application, and its own where that one fails', async () => {
    const pages = [() => '<p>ours</p>', () => expect.fail('no template')]
    await using app = await serve(framework, () => ({ page: () => (pages.shift() ?? String)() }))
    const page = async () => await (await app.post('/notes', { headers: browser })).text()
    expect(await page()).toBe('<p>ours</p>')
    expect(await page()).toContain('<h1>Read-only for now</h1>')
  })
})

const begins = ['Express 5', 'Fastify 5', 'Koa 3'] as const

test.each(begins)('an answer of %s that has begun is left alone', async (name) => {
  // Nor does it wait, which would help no client.
  const untilWritable = () => new Promise<boolean>(() => {})
  const options = () => ({ untilWritable, hold: '30s' })
  await using app = await serve(frameworks[name] ?? expect.fail(), options)
  const { hostname, port } = new URL(app.url)
  const socket = connect(Number(port), hostname)
  const headers = ['Host: a', 'X-Tenant: acme', 'Sec-Fetch-Mode: cors', 'Content-Length: 0']
  socket.write(['POST /begun HTTP/1.0', ...headers, '', ''].join('\r\n'))
  const answer = await text(socket)
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  expect(answer).toMatch(/begun$/)
  await eventually(() => expect(app.errors).toMatchObject([{ code: '25006' }]))
})
