// What is Fastify's own: the order of plugins and routes, error handlers, and handlers that send
// later.
import { type FastifyInstance, fastify } from 'fastify'
import { describe, expect, test } from 'vitest'
import { createReadOnlyMode } from '../../../src/client/index.ts'
import { homesOf } from '../../helpers/client/homes.ts'
import { eventually } from '../../helpers/eventually.ts'
import { createFenced } from '../../helpers/fence/fenced.ts'
import { createMover } from '../../helpers/fence/mover.ts'
import { listening } from '../../helpers/http/listening.ts'

async function fenced() {
  const db = await createFenced()
  const mover = createMover(db, 'acme')
  await mover.raise()
  const homes = homesOf(db)
  const write = async () => {
    await db.pool.query(`insert into visits values ('acme', '2025-01-01', 1)`)
    return 'saved'
  }
  const readOnly = createReadOnlyMode({
    tenantOf: () => 'acme',
    untilWritable: homes.untilWritable,
    hold: '30s',
  })
  const post = async (app: FastifyInstance) => {
    await app.ready()
    await using server = await listening(app.server)
    const answer = fetch(server.url, { method: 'POST' })
    await eventually(() => expect(homes.waiting).toBe(1))
    await mover.lower()
    const { status, redirected } = await answer
    return [status, await (await answer).text(), redirected ? 'sent again' : 'run again']
  }
  return { write, readOnly, post, [Symbol.asyncDispose]: () => db[Symbol.asyncDispose]() }
}

describe('a plugin of Fastify', () => {
  test('serves routes that were declared before it, too', async () => {
    await using world = await fenced()
    const app = fastify()
    app.register(world.readOnly.fastify)
    app.setErrorHandler((_error, _request, reply) => reply.code(500).send('own'))
    app.post('/', world.write)
    expect(await world.post(app)).toEqual([200, 'saved', 'sent again'])
  })

  test("comes before a route's own error handler, and an instance's", async () => {
    await using world = await fenced()
    const app = fastify()
    await app.register(world.readOnly.fastify)
    await app.register(async (routes) => {
      routes.setErrorHandler((_error, _request, reply) => reply.code(500).send('of the instance'))
      const errorHandler = () => expect.fail('it was asked')
      routes.post('/', { errorHandler }, world.write)
    })
    expect(await world.post(app)).toEqual([200, 'saved', 'run again'])
  })

  test("leaves to a route's own error handler what is not about a fence", async () => {
    const app = fastify()
    await app.register(createReadOnlyMode({ tenantOf: () => null }).fastify)
    app.setErrorHandler((error, _request, reply) => reply.code(500).send(`app: ${String(error)}`))
    const broken = () => Promise.reject(new Error('broken'))
    app.get('/a', broken)
    const errorHandler = (error: Error) => Promise.reject(new Error(`route: ${error.message}`))
    app.get('/b', { errorHandler }, broken)
    const answers = [await app.inject('/a'), await app.inject('/b')].map(({ body }) => body)
    expect(answers).toEqual(['app: Error: broken', 'app: Error: route: broken'])
  })

  test('sends the client again to a handler that sends later', async () => {
    await using world = await fenced()
    const app = fastify()
    await app.register(world.readOnly.fastify)
    app.post('/', (_request, reply) => {
      world.write().then(
        (said) => reply.code(201).send(said),
        (error) => reply.code(201).send(error),
      )
    })
    expect(await world.post(app)).toEqual([201, 'saved', 'sent again'])
  })

  test('lets no request past a hook that comes behind the one that was refused', async () => {
    await using world = await fenced()
    const app = fastify()
    await app.register(world.readOnly.fastify)
    app.addHook('preHandler', async () => void (await world.write()))
    app.addHook('preHandler', async (_request, reply) => reply.code(401).send('who are you'))
    app.post('/', () => expect.fail('it was let in'))
    expect(await world.post(app)).toEqual([401, 'who are you', 'sent again'])
  })

  test('runs a handler again that throws at once', async () => {
    await using world = await fenced()
    const app = fastify()
    const errors: unknown[] = []
    await world.write().catch((error: unknown) => errors.push(error))
    await app.register(world.readOnly.fastify)
    app.post('/', (_request, reply) => {
      if (errors.length > 0) {
        reply.code(202)
        throw errors.pop()
      }
      reply.send('saved')
      return reply
    })
    expect(await world.post(app)).toEqual([200, 'saved', 'run again'])
  })
})
