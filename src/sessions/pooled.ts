/**
 * Sessions that lead through a pooler. Many poolers refuse the settings with which our sessions
 * begin, or drop them. A pooler in session mode gives each connection a session of its own, so
 * there the settings are set by statements. In transaction mode they would become settings
 * of other clients, and ours would be lost: that is refused.
 */
import type pg from 'pg'

/** The advice where session settings do not arrive. */
export const noPooler = 'connect to PostgreSQL itself, not to a pooler in transaction mode'

export class SharedSession extends Error {
  constructor() {
    super(`a pooler shares the sessions of the server among its clients: ${noPooler}`)
  }
}

/** Somebody refuses to begin a session with settings: PgBouncer and proxies of services do. */
export function refusesOptions(error: unknown): boolean {
  const text = error instanceof Error ? error.message : ''
  return /unsupported startup parameter|command-line options/i.test(text)
}

/** Rounds in which a pooler could give a session to somebody else. */
const rounds = 10

/**
 * Throws SharedSession where a session of the server is not the connection's own. `other`: another
 * connection by the same way. While it is in a transaction, a pooler in transaction mode gives it
 * the session that was used last, or the next statement of the first connection another one.
 */
export async function proveOwnSession(client: pg.ClientBase, other: pg.Client): Promise<void> {
  other.on('error', () => {})
  await other.connect()
  try {
    const first = await sessionOf(client)
    for (let round = 0; round < rounds; round += 1) {
      await other.query('begin')
      const others = await sessionOf(other)
      const own = await sessionOf(client)
      await other.query('commit')
      if (others === first || own !== first) throw new SharedSession()
    }
  } finally {
    await other.end()
  }
}

async function sessionOf(client: pg.ClientBase): Promise<number> {
  return (await client.query('select pg_catalog.pg_backend_pid() as pid')).rows[0].pid
}
