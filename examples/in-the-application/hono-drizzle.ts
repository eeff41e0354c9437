// A notebook on Hono 4 and Drizzle, whose users do not notice that their tenant moves. To run it:
//   OLD_URL=… NEW_URL=… npx tsx examples/in-the-application/hono-drizzle.ts
import { serve } from '@hono/node-server'
import { desc, eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { bigint, pgTable, text } from 'drizzle-orm/pg-core'
import { type Context, Hono } from 'hono'
import type { Pool } from 'pg'
import { createHomes, createReadOnlyMode } from 'rehome/client'
import { isMain, type Pools, poolsFrom, tenantOfPath } from './page.ts'

const notes = pgTable('notes', {
  id: bigint('id', { mode: 'bigint' }).primaryKey().generatedByDefaultAsIdentity(),
  tenantId: text('tenant_id').notNull(),
  body: text('body'),
})

export function createApp(pools: Pools, hold = '5s') {
  const homeAt = (pool: Pool) => ({ db: drizzle(pool), pool })
  const homes = createHomes({ homes: { old: homeAt(pools.old), new: homeAt(pools.new) }, hold })
  const readOnly = createReadOnlyMode({
    tenantOf: (context: Context) => tenantOfPath(context.req.path),
  })
  const app = new Hono()
  app.use(readOnly.hono())

  app.get('/:tenant/notes', async (context) => {
    const tenant = context.req.param('tenant')
    const { db } = await homes.of(tenant)
    const own = db.select().from(notes).where(eq(notes.tenantId, tenant))
    const found = await own.orderBy(desc(notes.id)).limit(20)
    return context.json(found.map(({ id, body }) => ({ id: String(id), body })))
  })

  app.post('/:tenant/notes', async (context) => {
    const tenantId = context.req.param('tenant')
    const { body } = await context.req.json<{ body: string }>()
    const saved = await homes.run(tenantId, async (db) => {
      const [note] = await db.insert(notes).values({ tenantId, body }).returning()
      return { id: String(note?.id), body }
    })
    return context.json(saved, 201)
  })

  return { app, homes }
}

if (isMain(import.meta.url)) {
  const { app } = createApp(poolsFrom(process.env))
  serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) })
}
