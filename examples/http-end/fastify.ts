// A notebook on Fastify 5, which is also one end of moves over HTTP. To run it:
//   DATABASE_URL=… REHOME_SECRET=… npx tsx examples/http-end/fastify.ts
import { type FastifyInstance, fastify } from 'fastify'
import { createHttpEnd, nodeHandler } from 'rehome/http-end'
import { type AppOptions, isMain, optionsFrom, postNote, tables } from './notebook.ts'

export async function createApp({ pool, secret }: AppOptions): Promise<FastifyInstance> {
  const end = createHttpEnd({ pool, tables, auth: { bearer: secret } })
  // Flags and guards. Where the application may not make triggers, a script of their owner does it.
  await end.install()
  const rehome = nodeHandler(end)
  const app = fastify()
  // A plugin of its own, so that all other routes keep their parsers and hooks.
  app.register(async (routes) => {
    // The end reads the body itself, as it was sent.
    routes.removeAllContentTypeParsers()
    routes.addContentTypeParser('*', (_request, _body, done) => done(null))
    routes.all('/rehome/*', (request, reply) => {
      reply.hijack()
      return rehome(request.raw, reply.raw)
    })
  })
  app.post('/notes', async (request, reply) => {
    const { status, headers, body } = await postNote(pool, request.body)
    return reply.code(status).headers(headers).send(body)
  })
  return app
}

if (isMain(import.meta.url)) {
  const app = await createApp(optionsFrom(process.env))
  await app.listen({ port: Number(process.env.PORT ?? 3000) })
}
