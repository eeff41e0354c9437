// The example applications, used over HTTP by people who save while their tenants really move.
import { createServer, type Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { createAdaptorServer } from '@hono/node-server'
import { describe, expect, test } from 'vitest'
import { createApp as createExpress } from '../../examples/in-the-application/express-pg.ts'
import { createApp as createFastify } from '../../examples/in-the-application/fastify-kysely.ts'
import { createApp as createHono } from '../../examples/in-the-application/hono-drizzle.ts'
import type { Pools } from '../../examples/in-the-application/page.ts'
import { createHomesWorld, type HomesWorld } from '../helpers/client/homes-world.ts'
import { eventually } from '../helpers/eventually.ts'
import { listening } from '../helpers/listening.ts'
import { ended, runAll } from '../helpers/runs.ts'

interface App {
  readonly server: Server
  readonly close: () => Promise<unknown>
}

type Create = (pools: Pools, hold: string) => Promise<App>

const frameworks: [string, Create][] = [
  [
    'Express and pg',
    async (pools, hold) => {
      const { app, homes } = createExpress(pools, hold)
      return { server: createServer(app), close: homes.close }
    },
  ],
  [
    'Fastify and Kysely',
    async (pools, hold) => {
      const { app, homes } = await createFastify(pools, hold)
      await app.ready()
      return { server: app.server, close: homes.close }
    },
  ],
  [
    'Hono and Drizzle',
    async (pools, hold) => {
      const { app, homes } = createHono(pools, hold)
      return { server: createAdaptorServer(app) as Server, close: homes.close }
    },
  ],
]

/** Runs until the world ends. Returns its URL. */
async function start(at: HomesWorld, create: Create, hold = '1m'): Promise<string> {
  const { source, target } = at.world
  const pools = { old: at.poolAt(source.url), new: at.poolAt(target.url) }
  const { server, close } = await create(pools, hold)
  at.use({ [Symbol.asyncDispose]: async () => void (await close()) })
  return at.use(await listening(server)).url
}

const saving = (url: string, tenant: string, body: string) =>
  fetch(`${url}/${tenant}/notes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ body }),
  })

interface Saved {
  readonly tenant: string
  readonly body: string
  readonly status: number
  readonly ms: number
}

/** One for each of the tenants: they press the button again `thinkMs` after it was answered. */
function people(url: string, tenants: readonly string[], thinkMs = 0) {
  const saved: Saved[] = []
  let stopped = false
  const one = async (tenant: string, person: number) => {
    for (let n = 0; !stopped; n += 1) {
      const body = `note ${n} of person ${person}`
      const since = performance.now()
      const response = await saving(url, tenant, body)
      await response.text()
      saved.push({ tenant, body, status: response.status, ms: performance.now() - since })
      await delay(thinkMs)
    }
  }
  const all = Promise.all(tenants.map(one))
  return {
    saved,
    async stop(): Promise<Saved[]> {
      stopped = true
      await all
      return saved
    },
  }
}

async function notesAt(at: HomesWorld, end: 'source' | 'target'): Promise<string[]> {
  const query = `select tenant_id || ': ' || body as text from notes where body like 'note %'`
  const { rows } = await at.world[end].pool.query<{ text: string }>(query)
  return rows.map(({ text }) => text).sort()
}

const textsOf = (saved: readonly Saved[]) =>
  saved.map(({ tenant, body }) => `${tenant}: ${body}`).sort()

describe.each(frameworks)('a notebook on %s', (_, create) => {
  test('goes on saving while its tenant moves, and comes back with what it saved', async () => {
    await using at = await createHomesWorld({ rollback: { windowMs: 60_000 } })
    const url = await start(at, create)
    await at.world.work()
    const users = people(url, ['acme', 'acme', 'acme'])
    const more = async () => {
      const before = users.saved.length
      await eventually(() => expect(users.saved.length).toBeGreaterThan(before + 5))
    }
    await more()
    const runId = await runAll(at.world, ['acme'])
    await more()
    expect((await notesAt(at, 'target')).length).toBeGreaterThan(
      (await notesAt(at, 'source')).length,
    )
    await at.world.rehome.rollback(runId, { tenants: ['acme'] })
    expect((await ended(at.world, runId)).get('acme')?.phase).toBe('rolled_back')
    await more()
    const saved = await users.stop()
    expect(saved.filter(({ status }) => status !== 201)).toEqual([])
    expect(await notesAt(at, 'source')).toEqual(textsOf(saved))
    const listed = (await (await fetch(`${url}/acme/notes`)).json()) as { body: string }[]
    expect(saved.map(({ body }) => body)).toContain(listed[0]?.body)
  })

  test('says politely that it is read-only when waiting is over', async () => {
    await using at = await createHomesWorld()
    const url = await start(at, create, '1s')
    const { lower } = await at.fence('acme')
    const response = await saving(url, 'acme', 'too long')
    expect(response.status).toBe(503)
    expect(response.headers.get('tenant-mode')).toBe('read-only')
    expect(response.headers.get('retry-after')).toBe('3')
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    const problem = { type: 'urn:rehome:tenant-read-only', tenant: 'acme', reason: 'moving' }
    expect(await response.json()).toMatchObject(problem)
    expect((await saving(url, 'beta', 'meanwhile')).status).toBe(201)
    await lower()
    expect((await saving(url, 'acme', 'then')).status).toBe(201)
  })
})

test('a page shows a banner, and a form that was refused leads back to it with a notice', async () => {
  await using at = await createHomesWorld()
  const url = await start(at, frameworks[0]?.[1] as Create, '1s')
  const { lower } = await at.fence('acme')
  const page = `${url}/acme/notes`
  const html = { accept: 'text/html', referer: page }
  const shown = await (await fetch(page, { headers: html })).text()
  expect(shown).toContain('<div role="status" class="rehome-banner">')
  const form = new URLSearchParams({ body: '<b>mine</b>' })
  const posted = { method: 'POST', headers: html, body: form, redirect: 'manual' } as const
  const refused = await fetch(page, posted)
  expect([refused.status, refused.headers.get('location')]).toEqual([303, '/acme/notes'])
  const cookie = refused.headers.get('set-cookie')?.split(';')[0] ?? ''
  await lower()
  const back = await fetch(page, { headers: { ...html, cookie } })
  expect(await back.text()).toContain('<div role="status" class="rehome-notice">')
  const saved = await fetch(page, posted)
  expect([saved.status, saved.headers.get('location')]).toEqual([303, '/acme/notes'])
  expect(await (await fetch(page, { headers: html })).text()).toContain('&#60;b&#62;mine')
})

test('100 people who save all the time notice nothing of 20 moves', async () => {
  await using at = await createHomesWorld()
  const { world } = at
  const tenants = Array.from({ length: 20 }, (_, i) => `team-${i}`)
  for (const tenant of tenants) await world.addTenant(tenant, 50)
  // Both ends go on making ids, for a while.
  await world.target.pool.query('alter table notes alter column id restart with 1000000')
  const url = await start(at, frameworks[0]?.[1] as Create)
  await world.work()
  const users = people(url, Array.from({ length: 5 }, () => tenants).flat(), 1_500)
  await eventually(() => expect(users.saved.length).toBeGreaterThan(200))
  const runId = await runAll(world, tenants)
  const moves = [...(await ended(world, runId)).values()]
  expect(moves.map(({ phase, error_code: code }) => code ?? phase)).toEqual(
    tenants.map(() => 'moved'),
  )
  const before = users.saved.length
  await eventually(() => expect(users.saved.length).toBeGreaterThan(before + 200))
  const saved = await users.stop()
  expect(saved.filter(({ status }) => status !== 201)).toEqual([])
  expect(await notesAt(at, 'target')).toEqual(textsOf(saved))
  const longestMs = Math.round(Math.max(...saved.map(({ ms }) => ms)))
  console.log(`${saved.length} notes saved, 0 refused; the longest wait was ${longestMs} ms`)
}, 600_000)
