// A mutant of what rehome says to a database: the product's own functions run as they are, and the
// connection that they speak over changes one statement on its way to the server.
import pg from 'pg'
import type { Pool } from '../../../src/postgres.ts'
import { type Change, changed } from './install.ts'

export interface SpokenPool {
  readonly pool: Pool
  /** Fails where no statement had the text that was to be changed. */
  check(): void
}

export function createSpokenPool(url: string, changes: readonly Change[]): SpokenPool {
  const unused = new Set(changes)
  const mutate = (text: string) => {
    const due = changes.filter(([before]) => text.includes(String(before)))
    for (const change of due) unused.delete(change)
    return changed(text, due)
  }
  class MutatedClient extends pg.Client {
    constructor() {
      super({ connectionString: url, application_name: 'rehome mover' })
      const query = this.query.bind(this) as (text: unknown, ...rest: unknown[]) => unknown
      Object.assign(this, {
        query: (text: unknown, ...rest: unknown[]) =>
          query(typeof text === 'string' ? mutate(text) : text, ...rest),
      })
    }
  }
  const pool = new pg.Pool({ Client: MutatedClient })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return {
    pool,
    check() {
      for (const [before] of unused) throw new Error(`nobody said: ${before}`)
    },
  }
}
