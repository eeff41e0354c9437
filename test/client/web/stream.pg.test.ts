// A held request whose body can be read once only is not run again with nothing in it.
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { createReadOnlyMode } from '../../../src/client/index.ts'
import { createHomesWorld } from '../../helpers/client/homes-world.ts'
import { eventually } from '../../helpers/eventually.ts'

const octets = { 'content-type': 'application/octet-stream' }

test.each([
  ['a stream', async (body: unknown) => await textOf(body as AsyncIterable<Buffer>)],
  ['read past the parser', async (_: unknown, raw: AsyncIterable<Buffer>) => await textOf(raw)],
])('a body that is %s', async (what, read) => {
  await using at = await createHomesWorld()
  const homes = at.openHomes()
  const pool = at.poolAt(at.world.source.url)
  const app = Fastify()
  app.addContentTypeParser('application/octet-stream', (_, payload, done) =>
    done(null, what === 'a stream' ? payload : undefined),
  )
  const { untilWritable } = homes
  const readOnly = createReadOnlyMode({ tenantOf: () => 'acme', untilWritable, hold: '5s' })
  await app.register(readOnly.fastify)
  let refusals = 0
  app.post('/up', async (request) => {
    const text = await read(request.body, request.raw)
    const insert = `insert into notes (tenant_id, body) values ('acme', $1)`
    await pool.query(insert, [`up: ${text}`]).catch((error: unknown) => {
      refusals += 1
      throw error
    })
    return 'saved'
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const { lower } = await at.fence()
  const saving = fetch(`${url}/up`, { method: 'POST', headers: octets, body: 'precious' })
  await eventually(() => expect(refusals).toBe(1))
  await lower()
  // `fetch` follows 307 with the body that it still has; other clients are asked to come again.
  const answer = await saving
  const stored = await pool.query(`select body from notes where body like 'up: %'`)
  const [expected] = answer.status === 200 ? [[{ body: 'up: precious' }]] : [[]]
  expect(stored.rows).toEqual(expected)
  await app.close()
})

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  let text = ''
  for await (const chunk of chunks) text += chunk
  return text
}
