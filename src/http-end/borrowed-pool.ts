/**
 * The application's own pool, whose sessions speak with our settings while they are ours: the text
 * of a value is then the same at both ends. A session that goes back has its own settings again.
 */
import { asPool } from '../ends/postgres/changes/snapshot.ts'
import { RehomeError } from '../errors.ts'
import type { Client, Pool } from '../postgres.ts'
import { newerSettings, sessionSettings } from '../sessions/settings.ts'

type Settings = Readonly<Record<string, string>>

export interface Borrowing {
  /** The longest that a statement may take, and half of it wait for a lock, in ms. 0: any time. */
  readonly answerMs: number
}

/** For one request, whose time has begun. */
export function borrowPool(pool: Pool, { answerMs }: Borrowing): Pool {
  const limits: Settings =
    answerMs > 0
      ? { statement_timeout: String(answerMs), lock_timeout: String(lockMsOf(answerMs)) }
      : {}
  const settings = { ...sessionSettings, ...newerSettings, ...limits }
  const ours = Object.entries(settings).filter(([name]) => !name.startsWith('tcp_'))
  const begun = performance.now()
  return asPool(pool, async () => {
    const client = await pool.connect()
    // The caller has given up a request that was stopped on the way.
    if (answerMs > 0 && performance.now() - begun > answerMs) {
      client.release()
      throw new RehomeError('UNREACHABLE', `no connection was free within ${answerMs} ms`)
    }
    // The pool listens only to idle sessions; the next query fails instead.
    client.on('error', ignored)
    try {
      const before = await exchangeSettings(client, ours)
      return lent(client, before)
    } catch (error) {
      client.off('error', ignored)
      client.release(true)
      throw error
    }
  })
}

const ignored = () => {}
const lockMsMax = 5_000

function lockMsOf(answerMs: number): number {
  return Math.min(lockMsMax, Math.ceil(answerMs / 2))
}

type Setting = readonly [name: string, value: string]

/** Returns those that there were. One statement, so all or none. */
async function exchangeSettings(client: Client, settings: readonly Setting[]): Promise<Setting[]> {
  // Nothing in it is found by the application's search path, and what a server does not know yet,
  // such as `plpgsql.…` before a function has run, is left alone.
  const query = `
    with before as materialized (
      select w.name, w.value, pg_catalog.current_setting(w.name, true) as had, w.place
      from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]))
        with ordinality w (name, value, place))
    select name, had, pg_catalog.set_config(name, value, false) from before
    where had is not null order by place`
  const names = settings.map(([name]) => name)
  const { rows } = await client.query(query, [names, settings.map(([, value]) => value)])
  return rows.map(({ name, had }) => [name, had] as const)
}

type Lent = Client & { release: (error?: Error | boolean) => void }

/** One that was given back in the midst of something is not used again. */
function lent(client: Lent, before: readonly Setting[]): Lent {
  const giveBack = (error?: Error | boolean) => {
    client.off('error', ignored)
    client.release(error)
  }
  const release = (error?: Error | boolean) => {
    if (error) return giveBack(error)
    exchangeSettings(client, before).then(
      () => giveBack(),
      () => giveBack(true),
    )
  }
  return Object.create(client, {
    query: { value: client.query.bind(client) },
    release: { value: release },
  })
}
