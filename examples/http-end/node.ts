// A notebook on node:http alone, which is also one end of moves over HTTP. To run it:
//   DATABASE_URL=… REHOME_SECRET=… npx tsx examples/http-end/node.ts
import { createServer, type Server } from 'node:http'
import { json } from 'node:stream/consumers'
import { createHttpEnd, nodeHandler } from 'rehome/http-end'
import { type AppOptions, isMain, optionsFrom, postNote, tables } from './notebook.ts'

export async function createApp({ pool, secret }: AppOptions): Promise<Server> {
  const end = createHttpEnd({ pool, tables, auth: { bearer: secret } })
  // Flags and guards. Where the application may not make triggers, a script of their owner does it.
  await end.install()
  const rehome = nodeHandler(end)
  return createServer(async (request, response) => {
    if (request.url?.startsWith('/rehome/')) return await rehome(request, response)
    const answer = (status: number, body: object, headers = {}) => {
      response.writeHead(status, { ...headers, 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    if (request.method !== 'POST' || request.url !== '/notes') {
      return answer(404, { error: 'there is nothing here' })
    }
    try {
      const { status, headers, body } = await postNote(pool, await json(request).catch(() => null))
      answer(status, body, headers)
    } catch (error) {
      console.error(error)
      answer(500, { error: 'that did not work' })
    }
  })
}

if (isMain(import.meta.url)) {
  const app = await createApp(optionsFrom(process.env))
  app.listen(Number(process.env.PORT ?? 3000))
}
