// What the answers are made of: which form a client prefers, banners, notices, and paths.
import { describe, expect, test } from 'vitest'
import { createReadOnlyMode, type Fence } from '../../../src/client/index.ts'
import { prefersHtml } from '../../../src/client/web/accepts.ts'
import { eventually } from '../../helpers/eventually.ts'

describe('a page is preferred', () => {
  test.each([
    'text/html',
    'text/html, */*;q=0.8',
    'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8',
    'text/vnd.turbo-stream.html, text/html, application/xhtml+xml',
    'application/json;q=0.5, text/html;level=1;q=0.7',
    'TEXT/HTML ; Q=0.9 , application/json;q=0.8',
    'text/*, */*;q=0.1',
  ])('by %s', (accept) => expect(prefersHtml(accept)).toBe(true))

  test.each([
    undefined,
    '',
    '*/*',
    'application/json',
    'application/problem+json, text/html;q=0.9',
    'text/html, application/json',
    'text/html, */*',
    'text/html;q=0, */*;q=0.1',
    'text/html;q=2',
    'text/html;q=none',
    'text/plain',
    ',;,=;q',
  ])('not by %s', (accept) => expect(prefersHtml(accept)).toBe(false))
})

const fence: Fence = {
  scope: 'default',
  tenant: 'acme',
  mode: 'moved',
  reason: `<img src=x onerror="alert('x')">`,
  retryAfterS: 1,
  indefinite: false,
  movedTo: 'secret-host:5432/app',
  key: 'secret-key',
}

const tenantOf = () => 'acme'

describe('a banner', () => {
  test('says why and for how long, and nothing of where', () => {
    expect(createReadOnlyMode({ tenantOf }).banner(fence)).toBe(
      '<div role="status" class="rehome-banner"><strong>Read-only for now.</strong> ' +
        '&lt;img src=x onerror=&quot;alert(&#39;x&#39;)&quot;&gt; ' +
        'Please try again in a second.</div>',
    )
  })

  test('is empty where there is nothing to say', () => {
    expect(createReadOnlyMode({ tenantOf }).banner(null)).toBe('')
    const { banner } = createReadOnlyMode({ tenantOf })
    expect(banner({ ...fence, reason: '', indefinite: true })).toBe(
      '<div role="status" class="rehome-banner"><strong>Read-only for now.</strong> ' +
        'It is not known yet when changes will be possible again.</div>',
    )
  })

  test('speaks the language of the application', () => {
    const texts = { title: 'Nur lesen', later: (s: number) => `In ${s} s <wieder>.` }
    expect(createReadOnlyMode({ tenantOf, texts }).banner({ ...fence, reason: 'Umzug' })).toBe(
      '<div role="status" class="rehome-banner"><strong>Nur lesen.</strong> ' +
        'Umzug. In 1 s &lt;wieder&gt;.</div>',
    )
  })
})

describe('a notice', () => {
  const { notice } = createReadOnlyMode({ tenantOf })

  test('is shown once, from the cookie of the redirect', () => {
    expect(notice('session=1; rehome-notice=later-7')).toEqual({
      html:
        '<div role="status" class="rehome-notice"><strong>Your change was not saved.</strong> ' +
        'Please try again in 7 seconds.</div>',
      clear: 'rehome-notice=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax',
    })
    expect(notice('rehome-notice=indefinitely').html).toContain('It is not known yet')
  })

  test.each([
    undefined,
    '',
    'session=1',
    'rehome-notice=',
    'rehome-notice=<script>',
    'rehome-notice=later-',
    'rehome-notice=later-99999999',
    'xrehome-notice=later-7',
    'rehome-notice=Pay%20here',
  ])('is not made of %j', (cookies) => expect(notice(cookies)).toEqual({ html: '', clear: null }))
})

describe('a fetch handler', () => {
  const refused = Object.assign(new Error('refused'), {
    code: '25006',
    hint: 'rehome:fenced',
    detail: JSON.stringify({ ...fence, tenant: '*', mode: 'read_only', reason: 'all' }),
  })
  const options = { tenantOf, untilWritable: async () => true, hold: '1s' }
  const post = (body: RequestInit['body'], headers: Record<string, string> = {}) =>
    new Request('http://app.example//a/b?c=d', { method: 'POST', body: body ?? null, headers })

  const failing = createReadOnlyMode<Request>(options).fetch(() => {
    throw refused
  })

  test('learns that the whole application is meant', async () => {
    const answer = await failing(post('a', { 'content-length': '1' }))
    expect(await answer.json()).toMatchObject({ tenant: '*', reason: 'all' })
  })

  test('is not run again with a body of a length that is large or unknown', async () => {
    for (const headers of [{}, { 'content-length': '1048577' }]) {
      const answer = await failing(post('a', { ...headers, 'sec-fetch-mode': 'cors' }))
      expect([answer.status, answer.headers.get('location')]).toEqual([307, './b?c=d'])
      // Who would not follow is not sent anywhere, and does not wait for nothing.
      expect((await failing(post('a', headers))).status).toBe(503)
    }
  })

  test('waits at the door and after it for as long as it may in all', async () => {
    const limits: number[] = []
    const untilWritable = async (_tenant: string, { ms }: { ms: number }) => {
      const since = performance.now()
      await eventually(() => expect(performance.now()).toBeGreaterThan(since + 5))
      return limits.push(ms) > 0
    }
    const look = async () => ({ ...fence, tenant: 'acme' })
    const readOnly = createReadOnlyMode<Request>({ ...options, untilWritable, look })
    const handler = readOnly.fetch(() => {
      throw refused
    })
    expect((await handler(post('a', { 'content-length': '1' }))).status).toBe(503)
    expect(limits).toEqual([1000, expect.any(Number)])
    expect(limits[1]).toBeLessThan(1000 - 4)
  })

  test('does not begin for who has left, be it writable just then', async () => {
    const leaving = new AbortController()
    const untilWritable = async () => {
      leaving.abort()
      return true
    }
    const look = async () => ({ ...fence, tenant: 'acme' })
    const readOnly = createReadOnlyMode<Request>({ ...options, untilWritable, look })
    const handler = readOnly.fetch(() => expect.fail('it began'))
    const init = { method: 'POST', signal: leaving.signal }
    expect((await handler(new Request('http://a.example', init))).status).toBe(503)
  })

  test('passes on what comes with the request', async () => {
    const { fetch } = createReadOnlyMode<Request>(options)
    const handler = fetch(async (request, name: string) => {
      return new Response(`${name}: ${await request.text()}`)
    })
    expect(await (await handler(post('b'), 'body')).text()).toBe('body: b')
  })
})

describe('an exempt path', () => {
  test.each<[rule: string | RegExp | (() => boolean), path: string, exempt: boolean]>([
    ['/sign-in', '/sign-in', true],
    ['/sign-in', '/sign-in?next=/', true],
    ['/sign-in', '/sign-in/two', true],
    ['/sign-in/', '/sign-in/two', true],
    ['/sign-in', '/sign-ins', false],
    ['/sign-in', '/a?b=/sign-in', false],
    [/^\/auth\//, '/auth/x', true],
    [/sign/, '/a?b=sign', false],
    [() => true, '/a', true],
    [() => expect.fail('a rule that fails'), '/a', false],
  ])('%s and %s: %s', async (rule, path, exempt) => {
    const look = async () => fence
    const readOnly = createReadOnlyMode<Request>({ tenantOf, look, exempt: [rule] })
    const handler = readOnly.fetch(() => new Response('written'))
    const answer = await handler(new Request(`http://a.example${path}`, { method: 'POST' }))
    expect(answer.status).toBe(exempt ? 200 : 503)
  })
})
