// A notebook on Express 5 and pg, whose users do not notice that their tenant moves. To run it:
//   OLD_URL=… NEW_URL=… npx tsx examples/in-the-application/express-pg.ts
import express, { type Express, type Request } from 'express'
import type { Pool } from 'pg'
import { createHomes, createReadOnlyMode, type Homes } from 'rehome/client'
import { isMain, type Note, notesPage, type Pools, poolsFrom, tenantOfPath } from './page.ts'

export function createApp(pools: Pools, hold = '5s'): { app: Express; homes: Homes<Pool> } {
  // A save that a move is in the way of waits so long at the most, and is done at the new home.
  const homes = createHomes({
    homes: { old: { db: pools.old }, new: { db: pools.new } },
    hold,
  })
  // Longer waits are answered politely, and so are writes without `homes.run`.
  const readOnly = createReadOnlyMode({
    tenantOf: (request: Request) => tenantOfPath(request.path),
    redirect: true,
  })
  const app = express()
  app.use(express.json(), express.urlencoded())
  app.use(readOnly.express())

  app.get('/:tenant/notes', async (request, response) => {
    const { tenant } = request.params
    const { db } = await homes.of(tenant)
    const query = `select id::text, body from notes where tenant_id = $1 order by id desc limit 20`
    const { rows } = await db.query<Note>(query, [tenant])
    if (request.accepts('json', 'html') !== 'html') return void response.json(rows)
    const { html: notice, clear } = readOnly.notice(request.headers.cookie)
    if (clear) response.append('set-cookie', clear)
    const banner = readOnly.banner(await homes.look(tenant))
    response.send(notesPage(rows, { banner, notice }))
  })

  app.post('/:tenant/notes', async (request, response) => {
    const { tenant } = request.params
    const insert = `insert into notes (tenant_id, body) values ($1, $2) returning id::text, body`
    const { rows } = await homes.run(tenant, (db) => db.query(insert, [tenant, request.body?.body]))
    if (request.is('json')) response.status(201).json(rows[0])
    else response.redirect(303, request.originalUrl)
  })

  app.use(readOnly.expressErrors())
  return { app, homes }
}

if (isMain(import.meta.url)) {
  const { app } = createApp(poolsFrom(process.env))
  app.listen(Number(process.env.PORT ?? 3000))
}
