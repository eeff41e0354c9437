/**
 * The writes of the chaos in SQL, for a transaction that somebody else begins and commits.
 *
 * Invariant: each row made holds the write's id and its part, and a write makes all of its rows or
 * fails. Rows of part 0 are taken back again, so none may ever be seen.
 */
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { RowMissing } from '../../demo/application/writes.ts'
import type { Kind, Write } from './ledger.ts'

/** The writer has decided to roll back. */
class ChangedMind extends Error {
  readonly code = 'CHANGED_MIND'
}

type Client = pg.ClientBase
type Performer = (client: Client, write: Write) => Promise<unknown>

/** `think` is called between two statements, where an application would be busy elsewhere. */
export async function perform(client: Client, write: Write, think: () => Promise<void>) {
  if (write.style === 'savepoint') await takeBack(client, write)
  await performers[write.kind](client, write)
  await think()
  if (write.kind === 'count') await countUp(client, write)
  if (write.style === 'undone') throw new ChangedMind('the writer rolls back')
  const { rows } = await client.query('select pg_current_xact_id()::text as xid')
  write.xid = rows[0].xid
}

const performers: Readonly<Record<Kind, Performer>> = {
  add: insertTagged,
  many: insertMany,
  copy: copyMany,
  count: (client, write) => insertEntry(client, write),
  visit: insertVisits,
  erase,
}

async function insertEntry(client: Client, { tenant, id }: Write, part = 1): Promise<void> {
  const insert = 'insert into entries (tenant_id, write_id, part, body) values ($1, $2, $3, $4)'
  await client.query(insert, [tenant, id, part, `it's \\${id}\n👍`])
}

async function takeBack(client: Client, write: Write): Promise<void> {
  await client.query('savepoint before')
  await insertEntry(client, write, 0)
  await client.query('rollback to savepoint before')
}

async function insertTagged(client: Client, { tenant, id }: Write): Promise<void> {
  const insert = `with made as (
      insert into entries (tenant_id, write_id, body) values ($1, $2, 'tagged') returning id)
    select id from made`
  const { rows } = await client.query<{ id: string }>(insert, [tenant, id])
  await client.query(`insert into entry_tags values ($1, 'new')`, [rows[0]?.id])
}

async function insertMany(client: Client, { tenant, id, parts }: Write): Promise<void> {
  const insert = `insert into entries (tenant_id, write_id, part, body)
    select $1, $2, g, 'one of many' from generate_series(1, $3::int) g`
  await client.query(insert, [tenant, id, parts])
}

async function copyMany(client: Client, { tenant, id, parts }: Write): Promise<void> {
  const into = copyFrom('copy entries (id, tenant_id, write_id, part, body) from stdin')
  const lines = Array.from({ length: parts }, (_, i) => {
    return `${randomUUID()}\t${tenant}\t${id}\t${i + 1}\tcopied\n`
  })
  await pipeline(Readable.from(lines), client.query(into))
}

async function insertVisits(client: Client, { tenant, id, parts }: Write): Promise<void> {
  const insert = `insert into visits (tenant_id, day, write_id, part)
    select $1, date '2025-12-25' + g, $2, g from generate_series(1, $3::int) g`
  await client.query(insert, [tenant, id, parts])
  // From one partition to the other, where it falls on the last days of the year.
  const move = `update visits set day = day + 10, hits = hits + 1
    where tenant_id = $1 and write_id = $2 and part % 2 = 1`
  expectRows(await client.query(move, [tenant, id]), Math.ceil(parts / 2))
}

async function countUp(client: Client, { tenant, counter }: Write): Promise<void> {
  const up = 'update counters set n = n + 1 where tenant_id = $1 and name = $2'
  expectRows(await client.query(up, [tenant, counter]), 1)
}

async function erase(client: Client, { tenant, erases }: Write): Promise<void> {
  const table = erases?.kind === 'visit' ? 'visits' : 'entries'
  const remove = `delete from ${table} where tenant_id = $1 and write_id = $2`
  expectRows(await client.query(remove, [tenant, erases?.id]), erases?.parts ?? 0)
}

function expectRows(result: { rowCount: number | null }, rows: number): void {
  if (result.rowCount === rows) return
  throw new RowMissing(`${rows} rows were to be changed, and ${result.rowCount} were`)
}
