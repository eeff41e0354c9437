// An end over HTTP that asks for fewer requests: the request is repeated, and the refusal shows.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createTransport } from '../../../src/ends/web/transport.ts'

async function serverWith(answer: (response: ServerResponse, request: number) => void) {
  let requests = 0
  const server = createServer((_, response) => {
    requests += 1
    answer(response, requests)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const transport = createTransport({
    ...{ where: 'the source', end: 'source', name: 'source', secret: null, packs: false },
    ...{ concurrency: 1, requestsPerS: 0, timeoutMs: 5_000, maxBytes: 1_000, tls: {}, ends: false },
    baseUrl: new URL(`http://127.0.0.1:${port}/`),
  })
  return {
    transport,
    async [Symbol.asyncDispose]() {
      transport.close()
      server.close()
      await once(server, 'close')
    },
  }
}

const asked = { method: 'GET', path: 'rows', repeatable: true } as const

test.each([
  [429, {}],
  [503, { 'retry-after': '0' }],
])('an end that answers %i asks for less, and is asked again', async (status, headers) => {
  await using server = await serverWith((response, request) => {
    if (request === 1) response.writeHead(status, headers).end()
    else response.end('rows')
  })
  expect(server.transport.refusal()).toBeNull()
  expect(await server.transport.ask(asked)).toBe('rows')
  expect(server.transport.refusal()).toBe(`answers ${status}`)
})

test('an end that fails without a word of a wait does not ask for less', async () => {
  await using server = await serverWith((response, request) => {
    if (request === 1) response.writeHead(503).end()
    else response.end('rows')
  })
  expect(await server.transport.ask(asked)).toBe('rows')
  expect(server.transport.refusal()).toBeNull()
})
