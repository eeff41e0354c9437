// Asks a PostgreSQL server one thing over a connection of its own.
import pg from 'pg'

/** The rows that `sql` returns. */
export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}
