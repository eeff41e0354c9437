// The three kinds of ends, each over databases of its own, with what an application there may do.
// A contract suite runs one list of promises against each of them.
import type { Tell } from '../../../src/ends/api/api-flags.ts'
import { type End, sharedEnd } from '../../../src/ends/end.ts'
import type { Flags } from '../../../src/ends/flags.ts'
import { openEnd } from '../../../src/ends/open/open-end.ts'
import { createHttpEnd } from '../../../src/http-end/entry.ts'
import { http, postgres } from '../../../src/plan/endpoint.ts'
import { createPool } from '../../../src/postgres.ts'
import { createDatabase, openPool, type TestDatabase, templateDatabase } from '../database.ts'
import { notesApi, serveNotesApi } from '../http/notes-api.ts'
import { secret, serveEnd } from '../http-end.ts'
import { apiSchema, endExclude, endSchema, endTables } from './schema.ts'

export type Kind = 'sql' | 'http' | 'api'
export const kinds: readonly Kind[] = ['sql', 'http', 'api']

export interface TestEnd extends AsyncDisposable {
  readonly kind: Kind
  readonly end: End
  /** The flags without the way of a request: to bring tenants into states quickly. */
  readonly beside: Flags
  /** Where the rows are. */
  readonly database: TestDatabase
  /** Where the flags are. */
  readonly flagDatabase: TestDatabase
  /** An existing API: the requests that it gets, and the scope that its flags are kept as. */
  readonly api?: { readonly tell: Tell; readonly keptAs: string }
  /** A write of the application: false where it is refused. */
  write(tenant: string): Promise<boolean>
}

/** Rows of one page and of one batch, where an end has pages. */
export const pageRows = 4

export async function openTestEnd(kind: Kind): Promise<TestEnd> {
  if (kind === 'sql') return await openSql()
  return await (kind === 'http' ? openHttp() : openApi())
}

/** A database with the small application and its guards. */
async function guardedDatabase(): Promise<TestDatabase> {
  const template = await templateDatabase('ends', async (url) => {
    const pool = openPool(url)
    await pool.query(endSchema)
    await createHttpEnd({ pool, ...serving, auth: { bearer: secret } }).install()
    await pool.end()
  })
  return await createDatabase({ template })
}

const serving = { tables: endTables, exclude: endExclude }

async function openSql(): Promise<TestEnd> {
  const database = await guardedDatabase()
  const end = sqlEndOf(database)
  return testEnd('sql', { end, database, flagDatabase: database }, () => end.close())
}

/** The end of that database, reached by SQL. */
export function sqlEndOf({ url }: Pick<TestDatabase, 'url'>): End {
  return sharedEnd(
    openEnd('target', postgres({ urlFrom: 'END_URL' }), { environment: { END_URL: url } }),
  )
}

async function openHttp(): Promise<TestEnd> {
  const database = await guardedDatabase()
  const served = await serveEnd(database, serving)
  const endpoint = http({ baseUrl: served.url, auth: { bearerFrom: 'SECRET' }, pageRows })
  const end = sharedEnd(openEnd('target', endpoint, { environment: { SECRET: secret } }))
  const sql = sqlEndOf(database)
  const opened = { end, beside: sql.flags, database, flagDatabase: database }
  return testEnd('http', opened, async () => {
    await sql.close()
    await end.close()
    await served.stop()
  })
}

async function openApi(): Promise<TestEnd> {
  const [database, flagDatabase] = await Promise.all([createDatabase(), guardedDatabase()])
  await database.pool.query(apiSchema)
  const served = await serveNotesApi(database)
  const flagPool = createPool({ url: flagDatabase.url, name: 'control', size: 4 })
  const end = sharedEnd(openEnd('target', notesApi(served), { environment: {}, flagPool }))
  const told = async (what: string, tenant: string, body: object) => {
    const url = `${served.url}/marks/${what}?account=${encodeURIComponent(tenant)}`
    await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  }
  const tell: Tell = {
    close: ({ tenant, forMs }) => told('close', tenant, { forMs }),
    open: ({ tenant }) => told('open', tenant, {}),
  }
  const api = { tell, keptAs: `flags of ${end.place}` }
  const write = async (tenant: string) => (await served.write(tenant)) < 300
  const close = async () => {
    await end.close()
    await served.stop()
    await flagPool.end()
    await flagDatabase.drop()
  }
  return testEnd('api', { end, api, database, flagDatabase, write }, close)
}

type Opened = Pick<TestEnd, 'end' | 'database' | 'flagDatabase'> & Partial<TestEnd>

function testEnd(kind: Kind, opened: Opened, close: () => Promise<void>): TestEnd {
  const { database, end } = opened
  return {
    kind,
    beside: end.flags,
    write: (tenant) => writeEntry(database, tenant),
    ...opened,
    async [Symbol.asyncDispose]() {
      await close()
      await database.drop()
    },
  }
}

let lastId = 1_000_000

/** Throws where it fails for another reason than the fence. */
async function writeEntry({ pool }: TestDatabase, tenant: string): Promise<boolean> {
  const query = `insert into entries (id, account, at) values ($1, $2, 'epoch')`
  lastId += 1
  return await pool.query(query, [lastId, tenant]).then(
    () => true,
    (error: { hint?: string }) => {
      if (error.hint === 'rehome:fenced') return false
      throw error
    },
  )
}
