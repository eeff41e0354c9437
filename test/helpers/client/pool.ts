// A pool as applications have them, whose connections may break when a test drops their database.
import pg from 'pg'

export function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}
