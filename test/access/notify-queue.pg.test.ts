// With CONNECT alone a stranger can fill the queue of notifications of a whole server: flags change
// all the same, and clients that wait for a notification ask again.
import pg from 'pg'
import { expect, test } from 'vitest'
import { startPostgres } from '../../dev/postgres.ts'
import { createPool } from '../../src/postgres.ts'
import { createDatabaseOn } from '../helpers/database.ts'
import { runOn } from '../helpers/fence/fenced.ts'
import { installFence } from '../helpers/fence/install.ts'
import { createMover } from '../helpers/fence/mover.ts'
import { applicationSql } from '../helpers/fence/schema.ts'
import { codeOf } from '../helpers/fence/writer.ts'

/** The smallest that PostgreSQL allows, since version 17: 512 kB. */
const settings = { max_notify_queue_pages: 64 }

/** One session listens and never reads, another one says something until no more fits. */
async function fill(url: string): Promise<pg.Client> {
  const listener = new pg.Client({ connectionString: url })
  await listener.connect()
  await listener.query('listen unread')
  await listener.query('begin; select 1')
  const filler = new pg.Client({ connectionString: url })
  await filler.connect()
  const say = `select pg_notify('unread', repeat('x', 7900) || g) from generate_series(1, 8) g`
  while ((await codeOf(filler.query(say))) === 'accepted');
  await filler.end()
  return listener
}

test('a full queue of notifications keeps no flag from changing', async () => {
  await using server = await startPostgres({ name: 'notify', settings })
  await using database = await createDatabaseOn(server)
  await runOn(database.url, applicationSql)
  await installFence(database.url)
  const listener = await fill(database.url)
  const usage = 'select pg_notification_queue_usage() as used'
  expect((await database.pool.query(usage)).rows[0].used).toBeGreaterThan(0.9)
  const pool = createPool({ url: database.url, name: 'mover' })
  const mover = createMover(database as never, 'acme', { pool })
  const write = `insert into visits values ('acme', '2025-02-02', 1)`
  await mover.raise()
  expect(await codeOf(database.pool.query(write))).toBe('25006')
  await mover.lower()
  expect(await codeOf(database.pool.query(write))).toBe('accepted')
  await pool.end()
  await listener.end()
})
