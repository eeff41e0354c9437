// A notebook on Hono, which is also one end of moves over HTTP. To run it:
//   DATABASE_URL=… REHOME_SECRET=… npx tsx examples/http-end/hono.ts
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createHttpEnd } from 'rehome/http-end'
import { type AppOptions, isMain, optionsFrom, postNote, tables } from './notebook.ts'

export async function createApp({ pool, secret }: AppOptions): Promise<Hono> {
  const end = createHttpEnd({ pool, tables, auth: { bearer: secret } })
  // Flags and guards. Where the application may not make triggers, a script of their owner does it.
  await end.install()
  const app = new Hono()
  app.all('/rehome/*', (c) => end.handle(c.req.raw))
  app.post('/notes', async (c) => {
    const { status, headers, body } = await postNote(pool, await c.req.json().catch(() => null))
    return c.json(body, status, { ...headers })
  })
  return app
}

if (isMain(import.meta.url)) {
  const app = await createApp(optionsFrom(process.env))
  serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) })
}
