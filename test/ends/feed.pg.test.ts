// The contract of a feed: what has changed since a position at one end, and how that comes to the
// other in numbered steps. Asked of a database and of an end over HTTP; an API offers none.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChangedRow, ChangesAsked, Feed } from '../../src/ends/feed.ts'
import { feedOf } from '../helpers/ends/feeds.ts'
import { begin, holdOf, newActor, newTenant, raiseOf } from '../helpers/ends/flag-states.ts'
import { hostileTenants } from '../helpers/ends/hostile.ts'
import { type Kind, openTestEnd, pageRows, type TestEnd } from '../helpers/ends/kinds.ts'
import {
  type At,
  codeOf,
  lookAt,
  readingOf,
  rowsIn,
  scope,
  type TableName,
} from '../helpers/ends/tenant-rows.ts'

let lastId = 0

describe.each<Kind>(['sql', 'http'])('%s', (kind) => {
  let end: TestEnd
  let at: At
  let feed: Feed
  beforeAll(async () => {
    end = await openTestEnd(kind)
    at = await lookAt(end)
    feed = feedOf(end, at)
  })
  afterAll(() => end[Symbol.asyncDispose]())
  const query = (text: string, values: unknown[] = []) => end.database.pool.query(text, values)
  const { signal } = new AbortController()
  const nextIds = (count: number) => Array.from({ length: count }, () => String(++lastId))

  /** Changes of the tenant are logged from here on. */
  const captured = async (tenant: string) => {
    const actor = await begin(end.beside, newActor(tenant))
    await end.end.flags.startCapture(raiseOf(actor))
    return holdOf(actor)
  }
  const add = async (tenant: string, ids: readonly string[]) => {
    await query(
      `insert into entries (id, account, at, text) select unnest($1::int[]), $2, 'epoch', 'new'`,
      [ids, tenant],
    )
  }
  const since = (tenant: string, position: string | null, everyChild = false) => {
    return { scope, tenant, position, everyChild }
  }
  const position = (tenant: string) => feed.position({ scope, tenant })

  const asked = (
    name: TableName,
    tenant: string,
    change: Partial<ChangesAsked> = {},
  ): ChangesAsked => {
    const names = { entries: ['id', 'text'], lines: ['entry_id', 'line'] } as Partial<
      Record<TableName, string[]>
    >
    const { columns } = readingOf(rowsIn(at, name, tenant), { columns: names[name] ?? [] })
    return { ...since(tenant, null), table: name, kind: 'now', columns, signal, ...change }
  }
  const changes = async (of: ChangesAsked): Promise<ChangedRow[]> => {
    const rows: ChangedRow[] = []
    for await (const page of feed.changes(of)) rows.push(...page)
    return rows
  }
  const keysOf = async (of: ChangesAsked) => (await changes(of)).map(({ texts }) => texts[0])

  test('what commits after a position is a change since then, and nothing else is', async () => {
    const tenant = newTenant()
    const ids = nextIds(3)
    await add(tenant, ids)
    await captured(tenant)
    const start = await position(tenant)
    expect(await keysOf(asked('entries', tenant, { position: start }))).toEqual([])
    await query(`update entries set text = 'changed' where id = $1`, [ids[1]])
    const middle = await position(tenant)
    await query(`update entries set text = 'too' where id = $1`, [ids[2]])
    expect(await keysOf(asked('entries', tenant, { position: start }))).toEqual([ids[1], ids[2]])
    expect(await keysOf(asked('entries', tenant, { position: middle }))).toEqual([ids[2]])
    expect(await keysOf(asked('entries', tenant))).toEqual([ids[1], ids[2]])
    expect(await keysOf(asked('entries', newTenant(), { position: start }))).toEqual([])
  })

  test('a transaction that was open at the position is a change since then', async () => {
    const tenant = newTenant()
    const [id = ''] = nextIds(1)
    await captured(tenant)
    const writer = await end.database.pool.connect()
    await writer.query('begin')
    await writer.query(`insert into entries (id, account, at) values ($1, $2, 'epoch')`, [
      id,
      tenant,
    ])
    const start = await position(tenant)
    await writer.query('commit')
    writer.release()
    expect(await keysOf(asked('entries', tenant, { position: start }))).toEqual([id])
  })

  test('changes are counted by table, a row that changed twice as two', async () => {
    const tenant = newTenant()
    const ids = nextIds(2)
    await captured(tenant)
    await add(tenant, ids)
    await query(`update entries set text = 'again' where id = $1`, [ids[0]])
    const counts = await feed.countChanges(since(tenant, null))
    expect(counts.get('entries')).toBe(ids.length + 1)
    expect([...counts.values()].reduce((sum, n) => sum + n)).toBe(ids.length + 1)
    expect([...counts.keys()].toSorted()).toEqual(['bills', 'entries', 'lines', 'marks', 'visits'])
    const none = await feed.countChanges(since(newTenant(), null))
    expect([...none.values()].every((n) => n === 0)).toBe(true)
  })

  test('rows come as they are now, in the order of the key, page by page, each once', async () => {
    const tenant = newTenant()
    const ids = nextIds(11)
    await captured(tenant)
    await add(tenant, ids.toReversed())
    await query(`update entries set text = 'last' where account = $1`, [tenant])
    await query('delete from entries where id = $1', [ids[4]])
    const rows = await changes(asked('entries', tenant))
    expect(rows.map(({ texts }) => texts)).toEqual(
      ids.filter((id) => id !== ids[4]).map((id) => [id, 'last']),
    )
  })

  test('rows come as they were before each change, once for every change', async () => {
    const tenant = newTenant()
    const [id = '', gone = ''] = nextIds(2)
    await add(tenant, [id, gone])
    await captured(tenant)
    await query(`update entries set text = '' where id = $1`, [id])
    await query('update entries set text = null where id = $1', [id])
    await query('delete from entries where id = $1', [gone])
    const rows = await changes(asked('entries', tenant, { kind: 'before' }))
    expect(rows.map(({ texts }) => texts)).toEqual([
      [id, 'new'],
      [id, ''],
      [gone, 'new'],
    ])
    expect(rows.at(-1)?.children).toBe(true)
  })

  test('rows have changed with their parent, where it came, went, or became another', async () => {
    const [tenant, other] = [newTenant(), newTenant()]
    const [same = '', comes = '', goes = ''] = nextIds(3)
    await add(tenant, [same, goes])
    await add(other, [comes])
    await query('insert into lines values ($1, 1), ($2, 1), ($3, 1)', [same, comes, goes])
    await captured(tenant)
    const start = await position(tenant)
    await query(`update entries set text = 'same tenant' where id = $1`, [same])
    const of = asked('lines', tenant, { position: start })
    expect(await keysOf(of)).toEqual([])
    await query('update entries set account = $1 where id = $2', [tenant, comes])
    await query('update entries set account = $1 where id = $2', [other, goes])
    expect(await keysOf(of)).toEqual([comes])
    expect(await keysOf({ ...of, everyChild: true })).toEqual([same, comes])
    const flagged = await changes(asked('entries', tenant, { position: start }))
    const children = flagged.map(({ texts, children }) => [texts[0], children])
    expect(children).toEqual([
      [same, false],
      [comes, true],
    ])
  })

  test('columns may be none: what is asked is whether, and how many', async () => {
    const tenant = newTenant()
    await captured(tenant)
    await add(tenant, nextIds(2))
    const rows = await changes(asked('entries', tenant, { columns: [] }))
    expect(rows.map(({ texts }) => texts)).toEqual([[], []])
  })

  test.each([
    ['entries', 'before'],
    ['entries', 'now'],
    ['lines', 'now'],
  ] as const)(
    'a look at %s as they are %s leaves out what changes after it began',
    async (name, rowsAre) => {
      const tenant = newTenant()
      // More than two pages: while one is looked at, the next is already under way.
      const ids = nextIds(kind === 'sql' ? 2_001 : 3 * pageRows)
      const write = async (some: readonly string[]) => {
        await add(tenant, some)
        await query('insert into lines select unnest($1::int[]), 1', [some])
        await query(`update entries set text = 'again' where id = any ($1)`, [some])
      }
      await captured(tenant)
      await write(ids)
      const seen: unknown[] = []
      for await (const page of feed.changes(asked(name, tenant, { kind: rowsAre }))) {
        if (seen.length === 0) await write(nextIds(3))
        seen.push(...page.map(({ texts }) => texts[0]))
      }
      expect(seen).toEqual(ids)
    },
  )

  test('reading changes ends with its signal', async () => {
    const tenant = newTenant()
    await captured(tenant)
    await add(tenant, nextIds(9))
    const aborted = AbortSignal.abort(new Error('that is enough'))
    await expect(changes(asked('entries', tenant, { signal: aborted }))).rejects.toThrow(
      'that is enough',
    )
  })

  test('an unknown table is refused', async () => {
    const of = { ...asked('entries', newTenant()), table: 'nowhere' }
    expect(await codeOf(changes(of))).toBe('USAGE')
  })

  test('what was logged is forgotten up to a position, by who has the turn', async () => {
    const tenant = newTenant()
    const ids = nextIds(2)
    const hold = await captured(tenant)
    await add(tenant, ids.slice(0, 1))
    const middle = await position(tenant)
    await add(tenant, ids.slice(1))
    await feed.forgetChanges({ ...hold, token: randomUUID(), position: null })
    expect(await keysOf(asked('entries', tenant))).toEqual(ids)
    await feed.forgetChanges({ ...hold, position: middle })
    expect(await keysOf(asked('entries', tenant))).toEqual(ids.slice(1))
    await feed.forgetChanges({ ...hold, position: null })
    expect(await keysOf(asked('entries', tenant))).toEqual([])
  })

  test('no tenant is given changes of another one, whatever their ids are made of', async () => {
    const some = hostileTenants.filter((_, i) => i % 3 === 1)
    const known = new Map<string, string[]>()
    for (const tenant of some) {
      await captured(tenant)
      known.set(tenant, nextIds(1))
      await add(tenant, known.get(tenant) ?? [])
    }
    for (const [tenant, ids] of known) {
      expect([tenant, await keysOf(asked('entries', tenant))]).toEqual([tenant, ids])
    }
  })

  test('active writers are waited for, and none is kept out', async () => {
    const tenant = newTenant()
    const writer = await end.database.pool.connect()
    await writer.query('begin')
    await writer.query(`insert into entries (id, account, at) values ($1, $2, 'epoch')`, [
      ...nextIds(1),
      tenant,
    ])
    const late = feed.waitForWriters({ tenant, drainMs: 50, signal })
    expect(await codeOf(late)).toBe('DRAIN_TIMEOUT')
    const waited = feed.waitForWriters({ tenant, drainMs: 10_000, signal })
    await add(tenant, nextIds(1))
    await writer.query('commit')
    writer.release()
    expect(await waited).toBeLessThan(10_000)
  })
})
