// An application whose users never rest: random writes of every kind to a tenant of the small
// world, and to another one with which it exchanges rows.
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { World } from '../world.ts'

/** Additions to the small world, so that keys of parents may change. */
export const changeableKeys = `alter table note_lines drop constraint note_lines_note_id_fkey,
  add foreign key (note_id) references notes (id) on delete cascade on update cascade`

export interface Restless extends AsyncDisposable {
  /** Transactions that were committed. */
  readonly accepted: number
  readonly refused: number
  /** Anything else that went wrong, by SQLSTATE: broken keys, old snapshots. */
  readonly failures: ReadonlyMap<string, number>
}

type Random = () => number

/** A small generator whose series depend on the seed alone (mulberry32). */
function randomOf(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const some = (n: number) =>
  `array(select id from notes where tenant_id = $1 order by random() limit ${n})`

/** `$1` is the tenant, `$2` the other one. No reference ever leads from one to the other. */
const writes: readonly (readonly string[])[] = [
  [`update notes set body = body || '!' where id = any (${some(3)})`],
  [`update notes set amount = amount + 1, doc = '{"seen": true}' where id = any (${some(20)})`],
  [
    `with n as (insert into notes (tenant_id, body) select $1, 'new ' || g from generate_series(1, 3) g
      returning id) insert into note_lines select id, l, 'of a new one' from n, generate_series(1, 2) l`,
  ],
  [`delete from notes where id = any (${some(2)})`],
  [`update note_lines set text = text || '?' where note_id = any (${some(2)})`],
  [`delete from note_lines where note_id = any (${some(1)})`],
  [
    `insert into note_lines select n, 100 + (random() * 1000)::int, 'late' from unnest(${some(2)}) n`,
  ],
  [`update notes set id = id + 10000000 where id = any (${some(1)}) and id < 10000000`],
  [`update notes set tenant_id = $2 where id = any (${some(2)})`],
  [
    `update notes set tenant_id = $1 where id in (select id from notes where tenant_id = $2 limit 2)`,
  ],
  [
    `create temp table kept on commit drop as select * from notes where id = any (${some(2)})`,
    'delete from notes where id in (select id from kept)',
    `insert into notes (id, tenant_id, body) select id, tenant_id, body || ' again' from kept`,
  ],
  [
    `update visits set day = day + 365 where tenant_id = $1 and day < '2026-01-01' and random() < 0.1`,
  ],
  [
    `update visits set day = day - 365 where tenant_id = $1 and day > '2026-12-01' and random() < 0.1`,
  ],
  ['delete from visits where tenant_id = $1 and random() < 0.2'],
  [
    `insert into visits select $1, date '2025-06-01' + (random() * 500)::int, 1
      from generate_series(1, 3) on conflict do nothing`,
  ],
  ['update tenants set name = name where id = $1'],
  ['update notes set body = left(body, 100) where tenant_id = $1'],
]

const isolations = ['read committed', 'read committed', 'repeatable read', 'serializable']

/**
 * `users` at once, until it is disposed of. The pause after a transaction is longer where that one
 * took longer.
 */
export function startRestless(
  world: World,
  {
    tenant,
    other,
    users = 3,
    seed = 1,
  }: { tenant: string; other: string; users?: number; seed?: number },
): Restless {
  const state = { accepted: 0, refused: 0, failures: new Map<string, number>(), over: false }
  const live = async (random: Random) => {
    const client = new pg.Client(world.source.url)
    await client.connect()
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T
    while (!state.over) {
      const began = performance.now()
      const outcome = await transact(client, { random, pick, tenants: [tenant, other] })
      if (outcome === 'accepted') state.accepted += 1
      else if (outcome === '25006') state.refused += 1
      else state.failures.set(outcome, (state.failures.get(outcome) ?? 0) + 1)
      // Rounds have to be faster than the writes also where the machine has other work.
      await delay(random() * 10 + 3 * (performance.now() - began))
    }
    await client.end()
  }
  const living = Array.from({ length: users }, (_, i) => live(randomOf(seed * 1000 + i)))
  return Object.assign(state, {
    async [Symbol.asyncDispose]() {
      state.over = true
      await Promise.all(living)
    },
  })
}

interface Choice {
  readonly random: Random
  readonly tenants: readonly string[]
  pick<T>(list: readonly T[]): T
}

async function transact(client: pg.Client, { random, pick, tenants }: Choice): Promise<string> {
  try {
    await client.query(`begin isolation level ${pick(isolations)}`)
    for (let i = 0; i < 1 + random() * 3; i += 1) {
      if (random() < 0.2) await client.query('savepoint before')
      for (const statement of pick(writes)) {
        const used = tenants.filter((_, n) => statement.includes(`$${n + 1}`))
        await client.query(statement, [...used])
      }
      if (random() < 0.1) await client.query('rollback to before').catch(() => {})
      if (random() < 0.1) await delay(random() * 100)
    }
    await client.query(random() < 0.1 ? 'rollback' : 'commit')
    return 'accepted'
  } catch (error) {
    await client.query('rollback')
    return (error as pg.DatabaseError).code ?? 'unknown'
  }
}
