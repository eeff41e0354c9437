// The example applications, served over HTTP, and people who save notes with them.
import { createServer, type Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { createAdaptorServer } from '@hono/node-server'
import { createApp as createExpress } from '../../../examples/in-the-application/express-pg.ts'
import { createApp as createFastify } from '../../../examples/in-the-application/fastify-kysely.ts'
import { createApp as createHono } from '../../../examples/in-the-application/hono-drizzle.ts'
import type { Pools } from '../../../examples/in-the-application/page.ts'
import { listening } from '../http/listening.ts'
import type { HomesWorld } from './homes-world.ts'

interface App {
  readonly server: Server
  readonly close: () => Promise<unknown>
}

export type Create = (pools: Pools, hold: string) => Promise<App>

export const frameworks: [string, Create][] = [
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
export async function start(at: HomesWorld, create: Create, hold = '1m'): Promise<string> {
  const { source, target } = at.world
  const pools = { old: at.poolAt(source.url), new: at.poolAt(target.url) }
  const { server, close } = await create(pools, hold)
  at.use({ [Symbol.asyncDispose]: async () => void (await close()) })
  return at.use(await listening(server)).url
}

export const saving = (url: string, tenant: string, body: string) =>
  fetch(`${url}/${tenant}/notes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ body }),
  })

export interface Saved {
  readonly tenant: string
  readonly body: string
  readonly status: number
  readonly ms: number
}

/** One for each of the tenants: they press the button again `thinkMs` after it was answered. */
export function people(url: string, tenants: readonly string[], thinkMs = 0) {
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

export async function notesAt(at: HomesWorld, end: 'source' | 'target'): Promise<string[]> {
  const query = `select tenant_id || ': ' || body as text from notes where body like 'note %'`
  const { rows } = await at.world[end].pool.query<{ text: string }>(query)
  return rows.map(({ text }) => text).sort()
}

export const textsOf = (saved: readonly Saved[]) =>
  saved.map(({ tenant, body }) => `${tenant}: ${body}`).sort()
