// What is Express's own: routers that take a part of the path away, and error handlers alone.
import { createServer } from 'node:http'
import express from 'express'
import { expect, test } from 'vitest'
import { createReadOnlyMode } from '../../../src/client/index.ts'
import { fence } from '../../helpers/client/fence.ts'
import { listening } from '../../helpers/http/listening.ts'

const tenantOf = (request: express.Request) => request.get('x-tenant')
const headers = { 'x-tenant': 'acme' }

test('paths are those of the whole application, wherever it is mounted', async () => {
  const look = async () => fence
  const readOnly = createReadOnlyMode({ tenantOf, look, exempt: ['/api/sign-in'] })
  const app = express()
  const api = express.Router()
  api.use(readOnly.express())
  api.post('/:name', (_request, response) => void response.send('done'))
  app.use('/api', api)
  await using server = await listening(createServer(app))
  const post = (path: string) => fetch(`${server.url}${path}`, { method: 'POST', headers })
  expect((await post('/api/sign-in')).status).toBe(200)
  expect((await post('/api/notes')).status).toBe(503)
})

test('a client is sent again to where it came, not to where the router was', async () => {
  const untilWritable = async () => true
  const readOnly = createReadOnlyMode({ tenantOf, untilWritable, hold: '1s' })
  const app = express()
  const api = express.Router()
  const refusal = { code: '25006', hint: 'rehome:fenced', detail: JSON.stringify(fence) }
  api.post('/notes', () => Promise.reject(Object.assign(new Error('refused'), refusal)))
  // Without the middleware ahead of the routes.
  api.use(readOnly.expressErrors())
  app.use('/api', api)
  await using server = await listening(createServer(app))
  const init = { method: 'POST', headers, redirect: 'manual' } as const
  const answer = await fetch(`${server.url}/api/notes?a=b`, init)
  expect([answer.status, answer.headers.get('location')]).toEqual([307, './notes?a=b'])
})
