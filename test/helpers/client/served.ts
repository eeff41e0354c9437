// The application of apps.ts over a database whose tenant `acme` is fenced, on a real server.
import { createFenced, type Fenced } from '../fence/fenced.ts'
import { createMover, type Mover } from '../fence/mover.ts'
import { listening } from '../http/listening.ts'
import type { App, Asked, Framework } from './apps.ts'
import { homesOf, type TestHomes } from './homes.ts'

export interface Served extends AsyncDisposable {
  readonly db: Fenced
  readonly mover: Mover
  readonly homes: TestHomes
  readonly url: string
  /** Requests that came to the handler, and errors that came to the application's own handler. */
  readonly runs: Asked[]
  readonly errors: unknown[]
  /** Sends `body` as `acme`, and does not follow redirects. */
  post(path: string, init?: RequestInit & { as?: string }): Promise<Response>
}

/** `options` get at homes that look the database up. */
export async function serve(
  framework: Framework,
  options: (homes: TestHomes) => App['options'] = () => ({}),
): Promise<Served> {
  const db = await createFenced()
  const mover = createMover(db, 'acme')
  await mover.raise()
  const homes = homesOf(db)
  const runs: Asked[] = []
  const errors: unknown[] = []
  const server = await framework({
    options: options(homes),
    async handle(asked) {
      runs.push(asked)
      return await handle(db, asked)
    },
    failed: (error) => void errors.push(error),
  })
  const running = await listening(server)
  return {
    db,
    mover,
    homes,
    url: running.url,
    runs,
    errors,
    async post(path, { as = 'acme', headers, ...init } = {}) {
      const all = new Headers(headers)
      all.set('x-tenant', as)
      const body = init.method === undefined || init.method === 'POST' ? 'a note' : null
      const rest: RequestInit = { method: 'POST', body, redirect: 'manual', ...init }
      return await fetch(`${running.url}${path}`, { ...rest, headers: all })
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      await db[Symbol.asyncDispose]()
    },
  }
}

const insert = `insert into visits values ($1, '2025-01-01', 1)
  on conflict (tenant_id, day) do update set hits = visits.hits + 1`

async function handle({ pool }: Fenced, { path, tenant, body }: Asked): Promise<string> {
  if (path === '/broken') throw new Error('broken')
  if (path === '/reads') return 'read'
  if (path === '/native') return await inReadOnlyTransaction(pool, tenant)
  const write = pool.query(insert, [path === '/for-acme' ? 'acme' : tenant])
  if (path === '/sign-in/kept') return await write.then(() => 'noted').catch(() => 'signed in')
  await write
  return `saved ${body}`
}

async function inReadOnlyTransaction(pool: Fenced['pool'], tenant: string): Promise<string> {
  const client = await pool.connect()
  try {
    await client.query('begin read only')
    await client.query(insert, [tenant])
    return 'never'
  } finally {
    await client.query('rollback')
    client.release()
  }
}
