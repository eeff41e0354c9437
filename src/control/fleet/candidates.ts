/**
 * Tenants of a request while it is found out which of them it takes. They are in a temporary table
 * of one session, so that a million of them need no memory here. Nothing of it stays.
 */
import { RehomeError } from '../../errors.ts'
import type { Fact, Facts } from '../../plan/facts.ts'
import { type Client, type Pool, sqlStateOf, withClient } from '../../postgres.ts'
import type { Control } from '../database.ts'
import type { Hold } from '../runs/runs.ts'

/** Tenants that are read, written or asked about at once. */
const pageSize = 5_000

export interface Candidate {
  readonly tenant: string
  /** `here`: at the source, and no run is busy with it. */
  readonly state: 'here' | 'moved' | 'busy'
  /** See `percentileOf`. */
  readonly percentile: number
}

/** A candidate that is to be judged by its facts, or that was chosen. */
export interface Chosen {
  /** Its number in the table. */
  readonly n: number
  readonly tenant: string
  readonly percentile: number
  /** Places of the plan's waves that name it, from 0. */
  readonly named: readonly number[]
  /** null: nothing is about facts. */
  readonly facts: Facts | null
  /** null: that of all. */
  readonly hold: Hold | null
}

export interface Judged {
  readonly n: number
  readonly facts: Facts
  /** Whether the request's condition holds. */
  readonly fits: boolean
  /** The fact that orders the tenants. */
  readonly key: Fact
}

export interface CandidateCounts {
  readonly all: number
  /** The smallest percentile; null: there is no candidate. */
  readonly least: number | null
  /** Those within the share. */
  readonly here: number
  readonly moved: number
  readonly busy: number
}

/** `listed`: in the order of the list; `facts`: by the facts' keys; `places`: by another list. */
export type CandidateOrder = 'listed' | 'rising' | 'falling' | 'places'

const table = `create temporary table candidates (
  n integer generated always as identity primary key,
  tenant text collate "C" not null unique,
  state text not null,
  percentile float8 not null,
  is_listed boolean not null,
  named integer[] not null default '{}',
  facts jsonb,
  key_number float8,
  key_text text collate "C",
  place integer,
  hold jsonb)`

const columns = 'n, tenant, percentile, named, facts, hold'

const orders: Readonly<Record<CandidateOrder, string>> = {
  listed: 'n',
  rising: '(key_number is null and key_text is null), key_number, key_text, n',
  falling: `(key_number is null and key_text is null), key_text desc nulls last,
    key_number desc nulls last, n`,
  places: 'place nulls last, n',
}

/** A look at all candidates takes longer than others: it is given this time, in ms. */
const lookMs = 120_000

/** The last work with candidates of each pool, and those that wait for it. */
const busyPools = new WeakMap<Pool, Promise<unknown>>()

/**
 * The session is thrown away where the work fails. One after another: each keeps a connection of
 * the pool, and asks for more of them.
 */
export async function withCandidates<T>(
  { pool }: Pick<Control, 'pool'>,
  work: (candidates: Candidates) => Promise<T>,
): Promise<T> {
  const before = busyPools.get(pool) ?? Promise.resolve()
  const own = before.then(() => atCandidates(pool, work))
  busyPools.set(
    pool,
    own.catch(() => {}),
  )
  return await own
}

async function atCandidates<T>(
  pool: Pool,
  work: (candidates: Candidates) => Promise<T>,
): Promise<T> {
  return await withClient(pool, async (client) => {
    await client.query(`drop table if exists pg_temp.candidates; ${table}`).catch((error) => {
      throw sqlStateOf(error) === '42501' ? noTemporary(error) : error
    })
    const result = await work(new Candidates(client))
    // What the work has stored stands, whatever happens to this session.
    await client.query('drop table pg_temp.candidates').catch(() => {})
    return result
  })
}

function noTemporary(cause: unknown): RehomeError {
  const message =
    'the role of CONTROL_URL may not create temporary tables, in which an enqueue chooses tenants: ' +
    'grant it TEMPORARY on the control database'
  return new RehomeError('ACCESS_DENIED', message, { cause })
}

export class Candidates {
  readonly #client: Client
  /** Percentiles of the request are below it. */
  #share = 100

  constructor(client: Client) {
    this.#client = client
  }

  /** In this order; those that are there already stay as they are. */
  async add(some: readonly Candidate[], { isListed }: { isListed: boolean }): Promise<void> {
    const query = `insert into pg_temp.candidates (tenant, state, percentile, is_listed)
      select tenant, state, percentile, $4 from unnest($1::text[], $2::text[], $3::float8[])
        with ordinality t (tenant, state, percentile, i) order by i
      on conflict do nothing`
    const states = some.map(({ state }) => state)
    const percentiles = some.map(({ percentile }) => percentile)
    const tenants = some.map(({ tenant }) => tenant)
    await this.#client.query(query, [tenants, states, percentiles, isListed])
  }

  /** Before tenants are asked for by their names. */
  async analyze(): Promise<void> {
    await this.#look('analyze pg_temp.candidates')
  }

  /** The plan lists these, whether they are candidates or not. */
  async list(tenants: readonly string[]): Promise<void> {
    await this.#client.query(
      'update pg_temp.candidates set is_listed = true where tenant = any($1) and not is_listed',
      [tenants],
    )
  }

  /** The first one at the source that the plan does not list. */
  async firstUnlisted(): Promise<string | null> {
    const { rows } = await this.#look(`select tenant from pg_temp.candidates
      where state <> 'moved' and not is_listed order by n limit 1`)
    return rows[0]?.tenant ?? null
  }

  /** Those among these that the plan does not list. */
  async unlistedOf(tenants: readonly string[]): Promise<string[]> {
    const query = `select t.tenant from unnest($1::text[]) with ordinality t (tenant, i)
      where not exists (select from pg_temp.candidates c where c.tenant = t.tenant and c.is_listed)
      order by t.i`
    const { rows } = await this.#client.query<{ tenant: string }>(query, [tenants])
    return rows.map(({ tenant }) => tenant)
  }

  /** A wave names these. */
  async name(wave: number, tenants: readonly string[]): Promise<void> {
    await this.#client.query(
      'update pg_temp.candidates set named = named || $2::integer where tenant = any($1)',
      [tenants, wave],
    )
  }

  /** From here on only those of this share are candidates. */
  async narrow(percent: number): Promise<CandidateCounts> {
    this.#share = percent
    const within = (state: string) =>
      `count(*) filter (where state = '${state}' and percentile < ${percent})::int as ${state}`
    const { rows } = await this.#look<CandidateCounts>(`select count(*)::int as all,
      min(percentile) as least, ${within('here')}, ${within('moved')}, ${within('busy')}
      from pg_temp.candidates`)
    return rows[0] ?? { all: 0, least: null, here: 0, moved: 0, busy: 0 }
  }

  /** The candidates that are here, in the order of their list. */
  async *pages(): AsyncGenerator<Chosen[]> {
    for (let after = 0; ; ) {
      const query = `select ${columns} from pg_temp.candidates
        where n > $1 and state = 'here' and percentile < ${this.#share} order by n limit 1000`
      const { rows } = await this.#client.query<Chosen>(query, [after])
      if (rows.length > 0) yield rows
      const last = rows.at(-1)
      if (!last || rows.length < 1_000) return
      after = last.n
    }
  }

  async judge(some: readonly Judged[]): Promise<void> {
    const query = `update pg_temp.candidates c set facts = j.facts, key_number = j.key_number,
        key_text = j.key_text, state = case when j.fits then c.state else 'unfit' end
      from unnest($1::int[], $2::jsonb[], $3::boolean[], $4::float8[], $5::text[])
        j (n, facts, fits, key_number, key_text)
      where c.n = j.n`
    await this.#client.query(query, [
      some.map(({ n }) => n),
      some.map(({ facts }) => JSON.stringify(facts)),
      some.map(({ fits }) => fits),
      some.map(({ key }) => (typeof key === 'number' ? key : null)),
      some.map(({ key }) => (key === null || typeof key === 'number' ? null : String(key))),
    ])
  }

  /** These come in this order, behind those of earlier calls, which begin with the place 0. */
  async place(first: number, tenants: readonly string[]): Promise<void> {
    const query = `update pg_temp.candidates c set place = $2 + t.i
      from (select tenant, min(i) as i from unnest($1::text[]) with ordinality t (tenant, i)
        group by 1) t
      where c.tenant = t.tenant and c.place is null`
    await this.#client.query(query, [tenants, first])
  }

  async hold(some: readonly { readonly n: number; readonly hold: Hold }[]): Promise<void> {
    const query = `update pg_temp.candidates c set hold = h.hold
      from unnest($1::int[], $2::jsonb[]) h (n, hold) where c.n = h.n`
    const holds = some.map(({ hold }) => JSON.stringify(hold))
    await this.#client.query(query, [some.map(({ n }) => n), holds])
  }

  /** The chosen ones as they are now. Pages are read one walk after another. */
  async *walk(order: CandidateOrder, limit: number | undefined): AsyncGenerator<Chosen[]> {
    const most = limit === undefined ? '' : `limit ${limit}`
    await this.#look(`declare chosen no scroll cursor with hold for
      select ${columns} from pg_temp.candidates
      where state = 'here' and percentile < ${this.#share} order by ${orders[order]} ${most}`)
    try {
      for (;;) {
        const { rows } = await this.#client.query<Chosen>(`fetch forward ${pageSize} from chosen`)
        if (rows.length === 0) return
        yield rows.map(readHold)
      }
    } finally {
      // Where the connection is lost, that is the error to tell.
      await this.#client.query('close chosen').catch(() => {})
    }
  }

  #look<Row extends object>(text: string) {
    // Types of `pg` lack the limit of a single query.
    const query: { text: string; query_timeout: number } = { text, query_timeout: lookMs }
    return this.#client.query<Row & { tenant: string }>(query)
  }
}

/** Moments are texts in JSON. */
function readHold(row: Chosen): Chosen {
  const after = row.hold?.completeAfter
  return row.hold && after ? { ...row, hold: { ...row.hold, completeAfter: new Date(after) } } : row
}
