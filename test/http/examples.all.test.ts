// The example applications are ends of real moves, and go on being applications meanwhile.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { describe, expect, test } from 'vitest'
import { createApp as createExpress } from '../../examples/http-end/express.ts'
import { createApp as createFastify } from '../../examples/http-end/fastify.ts'
import { createApp as createHono } from '../../examples/http-end/hono.ts'
import { createApp as createNode } from '../../examples/http-end/node.ts'
import { type AppOptions, tables } from '../../examples/http-end/notebook.ts'
import { type HttpEndpoint, http } from '../../src/plan/endpoint.ts'
import { eventually } from '../helpers/eventually.ts'
import { type Listening, listening } from '../helpers/http/listening.ts'
import { secret } from '../helpers/http-end.ts'
import { ended } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const drop = 'drop table visits, note_lines, notes, tenants; drop type mood;'
const notebook = (await readFile('examples/source.sql', 'utf8')).replace(/^insert [^;]*;/gm, '')

const frameworks: [string, (options: AppOptions) => Promise<Server>][] = [
  ['node', createNode],
  ['express', async (options) => createServer(await createExpress(options))],
  [
    'fastify',
    async (options) => {
      const app = await createFastify(options)
      await app.ready()
      return app.server
    },
  ],
  ['hono', async (options) => createAdaptorServer(await createHono(options)) as Server],
]

/** Two notebooks of 20 notes; one note is larger than what parsers of bodies let through. */
async function createNotebooks(): Promise<World> {
  const world = await createWorld({ both: drop + notebook, plan: { tables, tenants: ['acme'] } })
  await world.source.pool.query(`insert into tenants values ('acme', 'Acme'), ('umbra', 'Umbra')`)
  const notes = `insert into notes (tenant_id, body) select $1, 'note ' || g
    from generate_series(1, 20) g`
  for (const tenant of ['acme', 'umbra']) await world.source.pool.query(notes, [tenant])
  await world.source.pool.query(`insert into note_links select id, 'https://a.example' from notes`)
  const large = `update notes set body = $1 where id = 3`
  await world.source.pool.query(large, [randomBytes(2 * 1024 * 1024).toString('hex')])
  return world
}

async function notesAt({ pool }: World['source']): Promise<unknown[]> {
  const query = `select md5(n::text) as note, l::text as link from notes n
    left join note_links l on l.note_id = n.id where n.tenant_id = 'acme' order by n.id`
  return (await pool.query(query)).rows
}

async function post(url: string, sent: unknown, text = JSON.stringify(sent)): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return await fetch(`${url}/notes`, { method: 'POST', headers, body: text })
}

const theEnd = ({ url }: Listening): HttpEndpoint =>
  http({ baseUrl: `${url}/rehome`, auth: { bearerFrom: 'END_SECRET' } })

describe.each(frameworks)('a notebook on %s', (_, start) => {
  test.each(['source', 'target'] as const)('is the %s of a move', async (name) => {
    await using world = await createNotebooks()
    world.environment.END_SECRET = secret
    // What the end needs it installs itself.
    await world[name].pool.query('drop schema rehome, rehome_log cascade')
    await using app = await listening(await start({ pool: world[name].pool, secret }))
    const plan = world.plan({ [name]: theEnd(app) })
    await using _worker = await world.work([plan])
    const { runId } = await world.rehome.enqueue(plan)
    const move = (await ended(world, runId)).get('acme')
    expect([move?.phase, move?.error_message]).toEqual(['moved', null])
    expect(await notesAt(world.target)).toEqual(await notesAt(world.source))
    expect(await notesAt(world.target)).toHaveLength(20)
    const written = await post(app.url, { tenant: 'acme', body: 'new' })
    expect(written.status).toBe(name === 'target' ? 201 : 503)
  })

  test('tells who writes when to come again while the tenant is fenced', async () => {
    await using world = await createNotebooks()
    world.environment.END_SECRET = secret
    await using app = await listening(await start({ pool: world.source.pool, secret }))
    const plan = world.plan({ source: theEnd(app), attempts: 1 })
    // The copy waits for this lock.
    const blocker = await world.target.pool.connect()
    await blocker.query('begin; lock table notes in share mode')
    await using _worker = await world.work([plan])
    const { runId } = await world.rehome.enqueue(plan)
    const refused = await eventually(async () => {
      const answer = await post(app.url, { tenant: 'acme', body: 'meanwhile' })
      expect(answer.status).toBe(503)
      return answer
    })
    expect(refused.headers.get('retry-after')).toBe('5')
    expect(await refused.json()).toEqual({ error: 'this notebook is being moved' })
    expect((await post(app.url, { tenant: 'umbra', body: 'not mine' })).status).toBe(201)
    await blocker.query('rollback')
    blocker.release()
    expect((await ended(world, runId)).get('acme')?.phase).toBe('moved')
    await world.rehome.rollback(runId ?? '', { tenants: ['acme'] })
    const undone = (await ended(world, runId)).get('acme')
    expect([undone?.phase, undone?.error_message]).toEqual(['rolled_back', null])
    expect((await post(app.url, { tenant: 'acme', body: 'at home' })).status).toBe(201)
  })

  test('goes on parsing what is its own', async () => {
    await using world = await createNotebooks()
    await using app = await listening(await start({ pool: world.source.pool, secret }))
    const written = await post(app.url, { tenant: 'acme', body: 'ünï 🏠' })
    expect(await written.json()).toEqual({ id: expect.stringMatching(/^\d+$/) })
    expect(written.status).toBe(201)
    expect((await post(app.url, { tenant: 'acme' })).status).toBe(400)
    expect((await post(app.url, null, '{"tenant":')).status).toBe(400)
    expect((await fetch(`${app.url}/rehome/v1`)).status).toBe(401)
  })
})
