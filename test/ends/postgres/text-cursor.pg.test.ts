// A read by a cursor fails when the connection is lost, whatever was under way then: it does not
// wait for an answer that cannot come.
import { expect, test } from 'vitest'
import { startTcpProxy } from '../../../dev/tcp-proxy.ts'
import { TextCursor, textBatches } from '../../../src/ends/postgres/text-batches.ts'
import { type Client, createPool } from '../../../src/postgres.ts'
import { createDatabase } from '../../helpers/database.ts'

const threeRows = 'select generate_series(1, 3)::text'
const timeout = 10_000

/** The first letters of messages of the protocol. */
const parse = 'P'
const execute = 'E'
const close = 'C'

async function readAll(client: Client): Promise<void> {
  for await (const _ of textBatches(client, threeRows, { size: 2, firstRows: 1 }));
}

async function readTwo(client: Client): Promise<void> {
  const cursor = new TextCursor(client, threeRows)
  await cursor.read(2)
  await cursor.close()
}

test.each([
  ['before the first row', parse, 1, readAll],
  ['between two rows', execute, 2, readAll],
  ['behind the last row', close, 1, readAll],
  ['while it closes a cursor that has more', close, 1, readTwo],
] as const)('a connection that is lost %s', { timeout }, async (_, message, nth, read) => {
  await using database = await createDatabase()
  const url = new URL(database.url)
  await using proxy = await startTcpProxy({ to: { host: url.hostname, port: Number(url.port) } })
  url.port = String(proxy.port)
  const pool = createPool({ url: url.href, name: 'cursor', size: 1 })
  const client = await pool.connect()
  let seen = 0
  proxy.onData = (chunk, direction) => {
    if (direction === 'up' && chunk.toString('latin1', 0, 1) === message) seen += 1
    return seen === nth ? 'cut' : undefined
  }
  await expect(read(client)).rejects.toThrow(/terminated|ECONNRESET/)
  client.release(true)
  await pool.end()
})

test('a cursor that is closed after its connection was lost', { timeout }, async () => {
  await using database = await createDatabase()
  const pool = createPool({ url: database.url, name: 'cursor', size: 1 })
  const client = await pool.connect()
  const cursor = new TextCursor(client, threeRows)
  await cursor.read(2)
  const ended = new Promise((resolve) => client.once('end', resolve))
  Object(client).connection.stream.destroy()
  await ended
  await expect(cursor.close()).rejects.toThrow('terminated')
  client.release(true)
  await pool.end()
})
