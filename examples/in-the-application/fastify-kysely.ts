// A notebook on Fastify 5 and Kysely, whose users do not notice that their tenant moves. To run it:
//   OLD_URL=… NEW_URL=… npx tsx examples/in-the-application/fastify-kysely.ts
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { type Generated, Kysely, PostgresDialect } from 'kysely'
import type { Pool } from 'pg'
import { createHomes, createReadOnlyMode, type Homes } from 'rehome/client'
import { isMain, type Pools, poolsFrom, tenantOfPath } from './page.ts'

interface Tables {
  notes: { id: Generated<string>; tenant_id: string; body: string | null }
}

interface Params {
  Params: { tenant: string }
}

export async function createApp(
  pools: Pools,
  hold = '5s',
): Promise<{ app: FastifyInstance; homes: Homes<Kysely<Tables>> }> {
  const homeAt = (pool: Pool) => {
    return { db: new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }), pool }
  }
  const homes = createHomes({ homes: { old: homeAt(pools.old), new: homeAt(pools.new) }, hold })
  const readOnly = createReadOnlyMode({
    tenantOf: (request: FastifyRequest) => tenantOfPath(request.url),
  })
  const app = Fastify()
  await app.register(readOnly.fastify)

  app.get<Params>('/:tenant/notes', async ({ params: { tenant } }) => {
    const { db } = await homes.of(tenant)
    const own = db.selectFrom('notes').select(['id', 'body']).where('tenant_id', '=', tenant)
    return await own.orderBy('id', 'desc').limit(20).execute()
  })

  app.post<Params & { Body: { body: string } }>('/:tenant/notes', async (request, reply) => {
    const { tenant } = request.params
    const note = { tenant_id: tenant, body: request.body.body }
    const saved = await homes.run(tenant, (db) =>
      db.insertInto('notes').values(note).returning(['id', 'body']).executeTakeFirstOrThrow(),
    )
    return reply.status(201).send(saved)
  })

  return { app, homes }
}

if (isMain(import.meta.url)) {
  const { app } = await createApp(poolsFrom(process.env))
  await app.listen({ port: Number(process.env.PORT ?? 3000) })
}
