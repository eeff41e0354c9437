// A row becomes the tenant's over several references, each of them written by a transaction that
// began before the one that gave its parent to the tenant had committed. None of these writers sees
// that the tenant is fenced: the drain looks until no such writer is left.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { sleep } from '../../../src/clock.ts'
import { postgres } from '../../../src/plan/endpoint.ts'
import { definePlan, table } from '../../../src/plan/plan.ts'
import { anyOf } from '../../../src/plan/through.ts'
import { eventually } from '../../helpers/eventually.ts'
import { createFenced, type Fenced } from '../../helpers/fence/fenced.ts'
import { installFence } from '../../helpers/fence/install.ts'
import { createMover } from '../../helpers/fence/mover.ts'
import { openWriter, type Writer } from '../../helpers/fence/writer.ts'

const plan = definePlan({
  name: 'chains',
  source: postgres({ urlFrom: 'SOURCE_URL' }),
  target: postgres({ urlFrom: 'TARGET_URL' }),
  tenants: ['beta'],
  strategy: 'online',
  tables: [
    table('accounts'),
    table('documents', { through: { account: 'accounts.code' }, nobody: 'stay' }),
    table('settings', { referencedBy: 'documents.setting_id', nobody: 'stay' }),
    table('nodes', {
      through: anyOf({ account: 'accounts.code' }, { up: 'nodes.id' }),
      nobody: 'stay',
    }),
  ],
})

const schema = `
  create table accounts (id int primary key, tenant_id text not null, code text not null unique);
  create table settings (id int primary key, v text);
  create table documents (id int primary key, account text, setting_id int references settings);
  create index on documents (account);
  create index on documents (setting_id);
  create table nodes (id int primary key, account text, up int, v text);
  create index on nodes (account);
  create index on nodes (up);`

let db: Fenced
beforeAll(async () => {
  db = await createFenced()
  await db.pool.query(schema)
  await installFence(db.url, { plan, guardsOnly: true })
})
afterEach(() => db.pool.query('delete from rehome.tenant_flags'))
afterAll(() => db[Symbol.asyncDispose]())

/** Acme's account `x` becomes beta's, with all that refers to it. */
const adopt = `delete from accounts where code = 'x'; insert into accounts values (2, 'beta', 'x')`

async function begun(level: 'read committed' | 'repeatable read', statement: string) {
  const writer = await openWriter(db, level)
  expect(await writer.write(statement)).toBe('accepted')
  return writer
}

async function looksOf(): Promise<number> {
  const query = 'select epoch::int from rehome.buckets where id = 1024'
  return (await db.pool.query(query)).rows[0].epoch
}

/** The drain has looked again, or asks for the lock itself. */
async function hasLookedAfter(looks: number): Promise<void> {
  const query = `select from pg_stat_activity where datname = current_database()
    and application_name = 'rehome mover' and state = 'active' and query like '%exclude_anyones%'`
  await eventually(async () => {
    const tries = (await db.pool.query(query)).rowCount ?? 0
    expect((await looksOf()) > looks || tries > 0).toBe(true)
  })
}

interface Chain {
  readonly rows: string
  /** The first one adopts, each one begins before the one before it ends, the last one writes. */
  readonly statements: readonly string[]
  readonly isWritten: string
  readonly referencesMax: number
}

const links = [1, 2, 3, 4, 5]

const chains: readonly (readonly [title: string, Chain])[] = [
  [
    'two references',
    {
      rows: `insert into settings values (1, 'old');
        insert into documents values (1, 'x', null), (9, 'y', 1)`,
      statements: [
        adopt,
        'update documents set setting_id = case id when 1 then 1 end where id in (1, 9)',
        `update settings set v = 'new' where id = 1`,
      ],
      isWritten: `select v = 'new' as is from settings where id = 1`,
      referencesMax: 2,
    },
  ],
  [
    'five references to rows of their own table',
    {
      rows: `insert into nodes select n, case n when 0 then 'x' else 'y' end, null, 'old'
        from generate_series(0, 5) n; insert into nodes values (6, null, 5, 'old')`,
      statements: [
        adopt,
        ...links.map((n) => `update nodes set account = null, up = ${n - 1} where id = ${n}`),
        `update nodes set v = 'new' where id = 6`,
      ],
      isWritten: `select v = 'new' as is from nodes where id = 6`,
      referencesMax: Number.POSITIVE_INFINITY,
    },
  ],
]

const levels = ['read committed', 'repeatable read', 'both in turn'] as const

test.each(
  chains.flatMap(([title, chain]) => levels.map((level) => [title, level, chain] as const)),
)('over %s the last writer is waited for: %s', async (_, level, chain) => {
  const { rows, isWritten, referencesMax } = chain
  await db.pool.query(`truncate accounts, documents, settings, nodes;
    insert into accounts values (1, 'acme', 'x'), (9, 'acme', 'y'); ${rows}`)
  const levelOf = (place: number) => {
    if (level !== 'both in turn') return level
    return place % 2 === 0 ? 'read committed' : 'repeatable read'
  }
  const mover = createMover(db, 'beta', { referencesMax })
  const [first = '', ...others] = chain.statements
  let last: Writer = await begun(levelOf(0), first)
  await mover.raise()
  const drain = await mover.drainThatWaits()
  for (const [i, statement] of others.entries()) {
    const looks = await looksOf()
    const next = await begun(levelOf(i + 1), statement)
    expect(await last.commit()).toBe('accepted')
    await last[Symbol.asyncDispose]()
    last = next
    // A look waits for REPEATABLE READ writers, as these hold the row that it changes.
    if (level === 'read committed') await hasLookedAfter(looks)
    else await sleep(20)
  }
  expect(drain.isDone()).toBe(false)
  expect(await last.commit()).toBe('accepted')
  await last[Symbol.asyncDispose]()
  await drain.done
  expect((await db.pool.query(isWritten)).rows).toEqual([{ is: true }])
})

test('writers who are never all gone keep no drain waiting, and wait for none', async () => {
  await db.pool.query(`truncate accounts, nodes; insert into accounts values (3, 'gamma', 'y');
    insert into nodes select n, 'y', null, 'old' from generate_series(1, 4) n`)
  let isOver = false
  let longestMs = 0
  const write = async (id: number) => {
    await using writer = await openWriter(db)
    while (!isOver) {
      const start = performance.now()
      await writer.client.query(`begin; update nodes set v = v || '.' where id = ${id}`)
      longestMs = Math.max(longestMs, performance.now() - start)
      await writer.client.query('select pg_sleep(0.03); commit')
    }
  }
  const writers = [1, 2, 3, 4].map(write)
  const mover = createMover(db, 'beta')
  await mover.raise()
  await mover.drain(10_000)
  isOver = true
  await Promise.all(writers)
  expect(longestMs).toBeLessThan(2_000)
})
