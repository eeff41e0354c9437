// Customers of tenants, over HTTP: three applications, in which a tenant is a column of shared
// tables, a schema, or a database. Their users do not notice that tenants move.
//   POST /TENANT/customers {"id": 7, "name": "Ada"} · GET /TENANT/customers
import { createServer, type Server, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import pg from 'pg'
import { createHomes, type Homes, isTenantFenced } from 'rehome/client'

interface Customer {
  readonly id: number
  readonly name: string
}

/** The two queries of the application, for one tenant at its home. */
interface Customers {
  add(tenant: string, customer: Customer): Promise<unknown>
  list(tenant: string): Promise<readonly Customer[]>
}

/** Tenants share the tables of one of two databases. */
export function inColumns(urls: { readonly old: string; readonly new: string }): App {
  const pools = { old: poolOf(urls.old), new: poolOf(urls.new) }
  const homes = createHomes({ homes: { old: { db: pools.old }, new: { db: pools.new } } })
  return appOf(
    homes,
    {
      add: (tenant, { id, name }) =>
        homes.run(tenant, (db) =>
          db.query('insert into customers (tenant_id, id, name) values ($1, $2, $3)', [
            ...[tenant, id, name],
          ]),
        ),
      async list(tenant) {
        const { db } = await homes.of(tenant)
        const query = 'select id::int, name from customers where tenant_id = $1 order by id'
        return (await db.query<Customer>(query, [tenant])).rows
      },
    },
    () => endAll(Object.values(pools)),
  )
}

/** Each tenant has a schema, in one of two databases. Queries name no schema. */
export function inSchemas(urls: { readonly old: string; readonly new: string }): App {
  const schema = (tenant: string) => `tenant_${tenant}`
  const pools = { old: poolOf(urls.old), new: poolOf(urls.new) }
  const homes = createHomes({
    homes: { old: { db: pools.old, schema }, new: { db: pools.new, schema } },
  })
  const inSchema = <Row extends pg.QueryResultRow>(
    tenant: string,
    text: string,
    values: unknown[],
  ) =>
    homes.run(tenant, async (db, home) => {
      const client = await db.connect()
      try {
        // For this transaction alone: the connection serves other tenants afterwards.
        await client.query('begin')
        await client.query(`select set_config('search_path', quote_ident($1), true)`, [home.schema])
        const { rows } = await client.query<Row>(text, values)
        await client.query('commit')
        return rows
      } catch (error) {
        await client.query('rollback')
        throw error
      } finally {
        client.release()
      }
    })
  return appOf(
    homes,
    {
      add: (tenant, { id, name }) =>
        inSchema(tenant, 'insert into customers (id, name) values ($1, $2)', [id, name]),
      list: (tenant) =>
        inSchema<Customer>(tenant, 'select id::int, name from customers order by id', []),
    },
    () => endAll(Object.values(pools)),
  )
}

export interface DatabasesOf {
  /** `host:port/database` of a tenant that has never moved. */
  readonly first: (tenant: string) => string
  readonly urlAt: (place: string) => string
}

/** Each tenant has a database. At most two pools stay open while nothing is done there. */
export function inDatabases({ first, urlAt }: DatabasesOf): App {
  const homes = createHomes<pg.Pool>({
    first,
    databases: {
      open: (place) => ({ db: poolOf(urlAt(place)) }),
      close: (db) => db.end(),
      most: 2,
    },
  })
  return appOf(homes, {
    add: (tenant, { id, name }) =>
      homes.run(tenant, (db) =>
        db.query('insert into customers (id, name) values ($1, $2)', [id, name]),
      ),
    list: (tenant) =>
      homes.run(tenant, async (db) => {
        const query = 'select id::int, name from customers order by id'
        return (await db.query<Customer>(query)).rows
      }),
  })
}

export interface App {
  readonly server: Server
  close(): Promise<void>
}

function appOf(
  homes: Homes<pg.Pool>,
  customers: Customers,
  closePools: () => Promise<unknown> = async () => {},
): App {
  const server = createServer(async (request, response) => {
    const [, tenant = '', what] = (request.url ?? '').split('/').map(decodeURIComponent)
    if (tenant === '' || what !== 'customers') return answer(response, 404, {})
    try {
      if (request.method === 'GET') return answer(response, 200, await customers.list(tenant))
      const { id, name } = Object(await json(request))
      await customers.add(tenant, { id: Number(id), name: String(name) })
      answer(response, 201, { id, name })
    } catch (error) {
      // The tenant was read-only for longer than a request waits.
      answer(response, isTenantFenced(error) ? 503 : 500, { error: String(error) })
    }
  })
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await homes.close()
    await closePools()
  }
  return { server, close }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function poolOf(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 4 })
  pool.on('error', () => {})
  return pool
}

async function endAll(pools: readonly pg.Pool[]): Promise<void> {
  await Promise.all(pools.map((pool) => pool.end()))
}
