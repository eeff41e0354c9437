/**
 * The server that benches run on: the same settings for everybody, printed with the figures.
 *
 * Unlike the servers of tests it makes commits durable, and so it has to lie on a disk, not in
 * memory. Nothing runs in the background that would fall into one variant's slice by chance.
 */
import { tmpdir } from 'node:os'
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../dev/postgres.ts'

export const serverSettings = {
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
  jit: 'off',
} as const

/** A throw-away server below TMPDIR, or where the system keeps temporary files. */
export async function startBenchServer(
  more: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  // Named, TMPDIR is taken for what it is; otherwise memory would be preferred.
  process.env.TMPDIR ??= tmpdir()
  return await startPostgres({ name: 'bench', settings: { ...serverSettings, ...more } })
}

/** A pool whose connections may break: on Ctrl-C the server does not wait for their farewell. */
export function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}
