/**
 * The application's own pool, whose sessions speak with our settings while they are ours: the text
 * of a value is then the same at both ends. A session that goes back has its own settings again.
 */
import { asPool } from '../endpoints/sql/snapshot.ts'
import { type Client, type Pool, sessionSettings } from '../postgres.ts'
import { ident } from '../quote.ts'

type Settings = Readonly<Record<string, string>>

export interface Borrowing {
  readonly schema: string
  /** The longest that a statement may take, and half of it wait for a lock, in ms. 0: any time. */
  readonly answerMs: number
}

export function borrowPool(pool: Pool, { schema, answerMs }: Borrowing): Pool {
  const limits: Settings =
    answerMs > 0
      ? { statement_timeout: String(answerMs), lock_timeout: String(Math.ceil(answerMs / 2)) }
      : {}
  const settings = { ...sessionSettings, search_path: ident(schema), ...limits }
  const ours = Object.entries(settings).filter(([name]) => !name.startsWith('tcp_'))
  return asPool(pool, async () => {
    const client = await pool.connect()
    try {
      const before = await exchangeSettings(client, ours)
      return lent(client, before)
    } catch (error) {
      client.release(true)
      throw error
    }
  })
}

type Setting = readonly [name: string, value: string]

/** Returns those that there were. One statement, so all or none. */
async function exchangeSettings(client: Client, wanted: readonly Setting[]): Promise<Setting[]> {
  const query = `
    with before as materialized (
      select w.name, w.value, current_setting(w.name) as had, w.place
      from unnest($1::text[], $2::text[]) with ordinality w (name, value, place))
    select name, had, set_config(name, value, false) from before order by place`
  const names = wanted.map(([name]) => name)
  const { rows } = await client.query(query, [names, wanted.map(([, value]) => value)])
  return rows.map(({ name, had }) => [name, had] as const)
}

type Lent = Client & { release: (error?: Error | boolean) => void }

/** One that was given back in the midst of something is not used again. */
function lent(client: Lent, before: readonly Setting[]): Lent {
  const release = (error?: Error | boolean) => {
    if (error) return client.release(error)
    exchangeSettings(client, before).then(
      () => client.release(),
      () => client.release(true),
    )
  }
  return Object.create(client, {
    query: { value: client.query.bind(client) },
    release: { value: release },
  })
}
