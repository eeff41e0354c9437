/**
 * Copies by PostgreSQL's own means, without a program in between: foreign tables, and the
 * initial copy of a replication that is filtered by row. Each as its manual says, none crippled.
 */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { TargetName } from './plans.ts'
import { tables } from './schema.ts'
import { columnNames, type ShardWorld } from './world.ts'

/** `INSERT … SELECT` from foreign tables. Throws where the server has no postgres_fdw. */
export async function foreignTables(world: ShardWorld, target: TargetName): Promise<void> {
  const { hostname, port, username, password, pathname } = new URL(world.urls.source)
  const [database, secret] = [pathname.slice(1), decodeURIComponent(password)]
  await withClient(world.urls[target], async (client) => {
    await client.query(`create extension if not exists postgres_fdw;
      drop server if exists peer cascade; drop schema if exists peer cascade; create schema peer;
      create server peer foreign data wrapper postgres_fdw
        options (host '${hostname}', port '${port}', dbname '${database}', fetch_size '10000');
      create user mapping for current_user server peer
        options (user '${username}', password '${secret}');
      import foreign schema public limit to (${tables.join(', ')}) from server peer into peer;
      set session_replication_role = replica`)
    for (const name of tables) {
      const list = columnNames(name).join(', ')
      await client.query(`insert into ${name} (${list}) select ${list} from peer.${name}
        where ${movesIn(world)}`)
    }
    await client.query('drop server peer cascade; drop schema peer cascade')
  })
}

/**
 * Publication with a row filter, subscription in binary; ends when every table is synchronised.
 * Needs `wal_level = logical`.
 */
export function replication(world: ShardWorld, target: TargetName): Promise<void> {
  return replicationWith(world, target, { cutOver: async () => {} })
}

export interface Cutover {
  /** When the copy is done: stops the writes, waits until all of them are there, goes on there. */
  cutOver(caughtUp: () => Promise<void>): Promise<void>
}

export async function replicationWith(
  world: ShardWorld,
  target: TargetName,
  { cutOver }: Cutover,
): Promise<void> {
  await withClient(world.urls.source, (source) =>
    withClient(world.urls[target], async (client) => {
      const filtered = tables.map((name) => `${name} where (${movesIn(world)})`)
      // A filter on other columns than the key asks for this as soon as anybody updates a row.
      for (const name of tables) await source.query(`alter table ${name} replica identity full`)
      await source.query(`create publication peer for table ${filtered.join(', ')}`)
      // Both ends are on one server, where a subscription cannot wait for a slot of its own.
      await source.query(`select pg_create_logical_replication_slot('peer', 'pgoutput')`)
      await client.query(`create subscription peer connection '${world.urls.source}'
        publication peer with (create_slot = false, slot_name = 'peer', binary = true)`)
      try {
        await synchronised(client)
        await cutOver(() => replayed(source))
      } finally {
        await client.query('alter subscription peer disable')
        await client.query('alter subscription peer set (slot_name = none)')
        await client.query('drop subscription peer')
        await dropSlot(source)
        await source.query('drop publication peer')
        for (const name of tables)
          await source.query(`alter table ${name} replica identity default`)
      }
    }),
  )
}

async function synchronised(client: pg.Client): Promise<void> {
  const query = `select count(*) filter (where srsubstate not in ('r', 's'))::int as left,
    count(*)::int as all from pg_subscription_rel`
  for (;;) {
    const { rows } = await client.query(query)
    if (rows[0].all === tables.length && rows[0].left === 0) return
    await delay(20)
  }
}

/** Everything that is in the source's log by now has been replayed at the target. */
async function replayed(source: pg.Client): Promise<void> {
  const now = (await source.query('select pg_current_wal_insert_lsn()::text as lsn')).rows[0].lsn
  const query = `select confirmed_flush_lsn >= $1::pg_lsn as done from pg_replication_slots
    where slot_name = 'peer'`
  while (!(await source.query(query, [now])).rows[0]?.done) await delay(2)
}

/** The worker that held it may take a moment to go. */
async function dropSlot(source: pg.Client): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const { rows } = await source.query(`select active from pg_replication_slots
      where slot_name = 'peer'`)
    if (!rows[0]?.active) break
    await delay(20)
  }
  await source.query(`select pg_drop_replication_slot('peer')`)
}

function movesIn({ tenants }: ShardWorld): string {
  return `tenant_id in (${tenants.map((tenant) => `'${tenant}'`).join(', ')})`
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
