// Frameworks that know nothing of read-only mode answer its error by what they read off it.
import { createServer, type Server } from 'node:http'
import express from 'express'
import { fastify } from 'fastify'
import Koa from 'koa'
import { expect, test } from 'vitest'
import { TenantReadOnlyError } from '../../../src/client/index.ts'
import { fence } from '../../helpers/client/fence.ts'
import { listening } from '../../helpers/http/listening.ts'

type Start = (error: Error) => Server | Promise<Server>

const servers: Readonly<Record<string, Start>> = {
  Express: (error) => {
    const app = express()
    app.get('/', () => Promise.reject(error))
    return createServer(app)
  },
  Fastify: async (error) => {
    const app = fastify()
    app.get('/', () => Promise.reject(error))
    await app.ready()
    return app.server
  },
  Koa: (error) => {
    const app = new Koa()
    app.silent = true
    app.use(() => Promise.reject(error))
    return createServer(app.callback())
  },
}

test.each(Object.entries(servers))(
  '%s answers a TenantReadOnlyError by itself',
  async (_, start) => {
    await using later = await listening(await start(new TenantReadOnlyError(fence)))
    const answer = await fetch(later.url)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '7'])
    const forGood = new TenantReadOnlyError({ ...fence, indefinite: true })
    await using never = await listening(await start(forGood))
    const denied = await fetch(never.url)
    expect([denied.status, denied.headers.get('retry-after')]).toEqual([403, null])
  },
)
