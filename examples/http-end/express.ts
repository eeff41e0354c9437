// A notebook on Express 5, which is also one end of moves over HTTP. To run it:
//   DATABASE_URL=… REHOME_SECRET=… npx tsx examples/http-end/express.ts
import express, { type Express } from 'express'
import { createHttpEnd, nodeHandler } from 'rehome/http-end'
import { type AppOptions, isMain, optionsFrom, postNote, tables } from './notebook.ts'

export async function createApp({ pool, secret }: AppOptions): Promise<Express> {
  const end = createHttpEnd({ pool, tables, auth: { bearer: secret } })
  // Flags and guards. Where the application may not make triggers, a script of their owner does it.
  await end.install()
  const app = express()
  // Ahead of the parsers: the end reads the body itself, as it was sent.
  app.use('/rehome', nodeHandler(end))
  app.use(express.json())
  app.post('/notes', async (request, response) => {
    const { status, headers, body } = await postNote(pool, request.body)
    response.status(status).set(headers).json(body)
  })
  return app
}

if (isMain(import.meta.url)) {
  const app = await createApp(optionsFrom(process.env))
  app.listen(Number(process.env.PORT ?? 3000))
}
