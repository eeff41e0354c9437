// One application on every framework: what it does is the same, how it is mounted is not.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import { type FastifyRequest, fastify } from 'fastify'
import { type Context, Hono } from 'hono'
import Koa, { type Context as KoaContext } from 'koa'
import { createReadOnlyMode, type ReadOnlyModeOptions } from '../../../src/client/index.ts'

export interface Asked {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly tenant: string
  readonly body: string
}

export interface App {
  /** Without `tenantOf`, which each framework has its own way to; it is the header `x-tenant`. */
  readonly options: Omit<ReadOnlyModeOptions<object>, 'tenantOf' | 'page'> & { page?: () => string }
  /** Returns the body of a 201. */
  handle(asked: Asked): Promise<string>
  /** Called by the application's own error handler. */
  failed(error: unknown): void
}

export type Framework = (app: App) => Promise<Server>

const last = (header: IncomingHttpHeaders[string]) => [header].flat().at(-1)

const pathOf = (url: string) => url.replace(/\?.*/, '')

const onExpress: Framework = async (app) => {
  const tenantOf = (request: express.Request) => request.get('x-tenant')
  const readOnly = createReadOnlyMode({ ...app.options, tenantOf })
  const server = express()
  server.use((_request, response, next) => {
    response.set({ vary: 'Origin', 'set-cookie': 'session=1' })
    next()
  })
  server.use(readOnly.express())
  server.use(express.text({ type: '*/*' }))
  server.all('/*path', async (request, response) => {
    const { method, path } = request
    if (path === '/begun') response.write('begun')
    const body = typeof request.body === 'string' ? request.body : ''
    const said = await app.handle({ method, path, tenant: request.get('x-tenant') ?? '', body })
    response.status(201).send(said)
  })
  server.use(readOnly.expressErrors())
  const own: express.ErrorRequestHandler = (error, _request, response, _next) => {
    app.failed(error)
    if (response.headersSent) response.end()
    else response.status(500).send('own')
  }
  server.use(own)
  return createServer(server)
}

const onFastify: Framework = async (app) => {
  const tenantOf = (request: FastifyRequest) => last(request.headers['x-tenant'])
  const readOnly = createReadOnlyMode({ ...app.options, tenantOf })
  const server = fastify()
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body)
  })
  server.addHook('onRequest', async (_request, reply) => {
    reply.headers({ vary: 'Origin', 'set-cookie': 'session=1' })
  })
  await server.register(readOnly.fastify)
  server.setErrorHandler((error, _request, reply) => {
    app.failed(error)
    if (reply.raw.headersSent) return reply.raw.end()
    return reply.code(500).send('own')
  })
  // In a plugin of its own, as applications have it.
  await server.register(async (routes) => {
    routes.all('/*', async (request, reply) => {
      const path = pathOf(request.url)
      if (path === '/begun') reply.raw.write('begun')
      const tenant = last(request.headers['x-tenant']) ?? ''
      reply.code(201)
      return await app.handle({ method: request.method, path, tenant, body: String(request.body) })
    })
  })
  await server.ready()
  return server.server
}

const onKoa: Framework = async (app) => {
  const tenantOf = (context: KoaContext) => context.get('x-tenant')
  const readOnly = createReadOnlyMode({ ...app.options, tenantOf })
  const server = new Koa()
  server.silent = true
  server.use(async (context, next) => {
    context.set({ vary: 'Origin', 'set-cookie': 'session=1' })
    try {
      await next()
    } catch (error) {
      app.failed(error)
      if (context.headerSent) return void context.res.end()
      context.status = 500
      context.body = 'own'
    }
  })
  server.use(readOnly.koa())
  server.use(async (context) => {
    const { method, path } = context
    if (path === '/begun') context.res.writeHead(200).write('begun')
    const chunks: Buffer[] = []
    for await (const chunk of context.req) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    context.body = await app.handle({ method, path, tenant: context.get('x-tenant'), body })
    context.status = 201
  })
  return createServer(server.callback())
}

const onHono: Framework = async (app) => {
  const tenantOf = (context: Context) => context.req.header('x-tenant')
  const readOnly = createReadOnlyMode({ ...app.options, tenantOf })
  const server = new Hono()
  server.use(async (c, next) => {
    c.res.headers.set('vary', 'Origin')
    c.res.headers.set('set-cookie', 'session=1')
    await next()
  })
  server.use(readOnly.hono())
  server.all('/*', async (c) => {
    const { method, path } = c.req
    const tenant = c.req.header('x-tenant') ?? ''
    const said = await app.handle({ method, path, tenant, body: await c.req.text() })
    return c.text(said, 201)
  })
  server.onError((error, c) => {
    app.failed(error)
    return c.text('own', 500)
  })
  return createAdaptorServer(server) as Server
}

const onFetch: Framework = async (app) => {
  const tenantOf = (request: Request) => request.headers.get('x-tenant')
  const readOnly = createReadOnlyMode({ ...app.options, tenantOf })
  const guarded = readOnly.fetch(async (request) => {
    const { pathname: path } = new URL(request.url)
    const tenant = request.headers.get('x-tenant') ?? ''
    const said = await app.handle({
      method: request.method,
      path,
      tenant,
      body: await request.text(),
    })
    return new Response(said, { status: 201 })
  })
  const fetch = async (request: Request) => {
    try {
      const response = await guarded(request)
      response.headers.append('vary', 'Origin')
      response.headers.append('set-cookie', 'session=1')
      return response
    } catch (error) {
      app.failed(error)
      return new Response('own', { status: 500 })
    }
  }
  return createAdaptorServer({ fetch }) as Server
}

export const frameworks: Readonly<Record<string, Framework>> = {
  'Express 5': onExpress,
  'Fastify 5': onFastify,
  'Hono 4': onHono,
  'Koa 3': onKoa,
  'a fetch handler': onFetch,
}
