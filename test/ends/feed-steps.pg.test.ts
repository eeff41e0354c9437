// The contract of a feed at the end that receives: steps that come in order and once, what is left
// out and told, and that no row of another tenant is touched.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Application, Feed } from '../../src/ends/feed.ts'
import type { Texts } from '../../src/ends/tenant-rows.ts'
import { feedOf } from '../helpers/ends/feeds.ts'
import { begin, bringTo, holdOf, newActor, newTenant } from '../helpers/ends/flag-states.ts'
import { type Kind, openTestEnd, type TestEnd } from '../helpers/ends/kinds.ts'
import {
  type At,
  type CheckpointHold,
  codeOf,
  lookAt,
  receiving,
  rowsIn,
  type TableName,
} from '../helpers/ends/tenant-rows.ts'

let lastId = 0
const at0 = '1970-01-01 00:00:00+00'
const columns = ['id', 'account', 'at', 'text']

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
  const query = async (text: string, values: unknown[] = []) =>
    (await end.database.pool.query({ text, values, rowMode: 'array' })).rows
  const entry = (tenant: string, text: string | null = 'new'): Texts => [
    String(++lastId),
    tenant,
    at0,
    text,
  ]
  const textsOf = (tenant: string) =>
    query('select id::text, text from entries where account = $1 order by id', [tenant])
  const checkpoint = (step: number, change = {}) => {
    return { position: 'there', fingerprint: 'one schema', lacking: false, step, ...change }
  }

  /** An attempt whose copy has come to its end: the first step. */
  const copied = async (tenant: string): Promise<CheckpointHold> => {
    const hold = await receiving(end, tenant)
    await feed.writeCheckpoint(hold, checkpoint(1))
    return hold
  }
  const change = (
    hold: CheckpointHold,
    step: number,
    of: Partial<Application> = {},
  ): Application => {
    const none = {
      remove: [],
      parents: { columns: [], values: [] },
      rows: [],
      keep: [],
      undone: false,
    }
    return { ...hold, ...none, step, table: 'entries', key: ['id'], columns, ...of }
  }
  const countOf = async (name: TableName, tenant: string) =>
    (await at.rows.counts([rowsIn(at, name, tenant)]))[0]

  test('how far an end has come is known by its epoch', async () => {
    const hold = await receiving(end, newTenant())
    expect(await feed.readCheckpoint(hold)).toBeNull()
    for (const position of ['', 'a\n"b" \\ 🏠', null]) {
      const step = ((await feed.readCheckpoint(hold))?.step ?? 0) + 1
      await feed.writeCheckpoint(hold, checkpoint(step, { position, lacking: step === 2 }))
      expect(await feed.readCheckpoint(hold)).toEqual(
        checkpoint(step, { position, lacking: step === 2 }),
      )
    }
    expect(await feed.readCheckpoint({ ...hold, epoch: randomUUID() })).toBeNull()
  })

  test('what was reached is forgotten by who has the turn, or the epoch', async () => {
    const hold = await copied(newTenant())
    await feed.forgetCheckpoint({ ...hold, token: randomUUID(), epoch: randomUUID() })
    expect(await feed.readCheckpoint(hold)).toEqual(checkpoint(1))
    await feed.forgetCheckpoint({ ...hold, epoch: randomUUID() })
    expect(await feed.readCheckpoint(hold)).toBeNull()
    await feed.writeCheckpoint(hold, checkpoint(1))
    await feed.forgetCheckpoint({ ...hold, token: randomUUID() })
    expect(await feed.readCheckpoint(hold)).toBeNull()
    await feed.forgetCheckpoint(hold)
  })

  test('a step is the next one, or the last one again; any other is refused', async () => {
    const tenant = newTenant()
    const hold = await copied(tenant)
    const rows = [entry(tenant)]
    const answer = { removed: 0, brought: 1, collided: [], orphaned: [] }
    for (let times = 0; times < 3; times += 1) {
      expect(await feed.apply(change(hold, 2, { rows }))).toEqual(answer)
    }
    expect(await textsOf(tenant)).toEqual([[rows[0]?.[0], 'new']])
    for (const step of [1, 4, 9]) {
      expect([
        step,
        await codeOf(feed.apply(change(hold, step, { rows: [entry(tenant)] }))),
      ]).toEqual([step, 'USAGE'])
      expect([step, await codeOf(feed.writeCheckpoint(hold, checkpoint(step)))]).toEqual([
        step,
        'USAGE',
      ])
    }
    await feed.writeCheckpoint(hold, checkpoint(3))
    await feed.writeCheckpoint(hold, checkpoint(3, { position: 'another' }))
    expect(await feed.readCheckpoint(hold)).toEqual(checkpoint(3))
    expect(await countOf('entries', tenant)).toBe(1)
  })

  test('no step comes before the copy', async () => {
    const tenant = newTenant()
    const hold = await receiving(end, tenant)
    for (const step of [1, 2]) {
      expect(await codeOf(feed.apply(change(hold, step, { rows: [entry(tenant)] })))).toBe('USAGE')
    }
    expect(await countOf('entries', tenant)).toBe(0)
  })

  test('no step is taken but by the attempt for which the end is closed', async () => {
    for (const state of ['open', 'capturing', 'read-only', 'moved'] as const) {
      const actor = await bringTo(end, newTenant(), state)
      const hold = { ...holdOf(actor), epoch: actor.epoch }
      expect([state, await codeOf(feed.writeCheckpoint(hold, checkpoint(1)))]).toEqual([
        state,
        'FENCE_LOST',
      ])
      expect([state, await codeOf(feed.apply(change(hold, 2)))]).toEqual([state, 'FENCE_LOST'])
    }
    const tenant = newTenant()
    const hold = await copied(tenant)
    await begin(end.beside, newActor(tenant))
    expect(await codeOf(feed.apply(change(hold, 2, { rows: [entry(tenant)] })))).toBe('FENCE_LOST')
    expect(await countOf('entries', tenant)).toBe(0)
  })

  test('rows go and come in one step, so that two may exchange what is unique', async () => {
    const tenant = newTenant()
    const hold = await copied(tenant)
    const bills = (rows: Texts[], remove: Texts[] = []) => {
      return { table: 'bills', columns: ['id', 'account', 'number'], rows, remove }
    }
    const [a, b] = [String(++lastId), String(++lastId)]
    await feed.apply(
      change(
        hold,
        2,
        bills([
          [a, tenant, '1'],
          [b, tenant, '2'],
        ]),
      ),
    )
    const swapped: Texts[] = [
      [a, tenant, '2'],
      [b, tenant, '1'],
    ]
    const answer = await feed.apply(change(hold, 3, bills(swapped, [[a], [b]])))
    expect(answer).toEqual({ removed: 2, brought: 2, collided: [], orphaned: [] })
    expect(
      await query(
        'select id::text, account, number::text from bills where account = $1 order by id',
        [tenant],
      ),
    ).toEqual(swapped)
  })

  test('a row that collides is left out and named by its place, and the rest is brought', async () => {
    const [tenant, other] = [newTenant(), newTenant()]
    const theirs = entry(other)
    await query(`insert into entries (id, account, at, text) values ($1, $2, $3, $4)`, [...theirs])
    const hold = await copied(tenant)
    const rows = [entry(tenant), theirs.with(1, tenant), entry(tenant)]
    const answer = await feed.apply(change(hold, 2, { rows }))
    expect(answer).toEqual({ removed: 0, brought: 2, collided: [1], orphaned: [] })
    expect(await textsOf(other)).toEqual([[theirs[0], 'new']])
    expect(await countOf('entries', tenant)).toBe(2)
    expect(await feed.readCheckpoint(hold)).toMatchObject({ lacking: true, step: 2 })
  })

  test('a row without its parent is left out, and named by its place', async () => {
    const tenant = newTenant()
    const hold = await copied(tenant)
    const parent = entry(tenant)
    await feed.apply(change(hold, 2, { rows: [parent] }))
    const lines: Texts[] = [
      ['99999999', '1'],
      [parent[0] ?? '', '1'],
    ]
    const of = {
      table: 'lines',
      key: ['entry_id', 'line'],
      columns: ['entry_id', 'line'],
      rows: lines,
    }
    const answer = await feed.apply(change(hold, 3, of))
    expect(answer).toEqual({ removed: 0, brought: 1, collided: [], orphaned: [0] })
  })

  test('who finds the tenant through a row that goes, goes with it; who does through one that stays, stays', async () => {
    const tenant = newTenant()
    const hold = await copied(tenant)
    const [goes, stays] = [entry(tenant), entry(tenant)]
    await feed.apply(change(hold, 2, { rows: [goes, stays] }))
    const rows: Texts[] = [
      [goes[0] ?? '', '1'],
      [stays[0] ?? '', '1'],
    ]
    await feed.apply(
      change(hold, 3, {
        table: 'lines',
        key: ['entry_id', 'line'],
        columns: ['entry_id', 'line'],
        rows,
      }),
    )
    const changed = stays.with(3, 'changed')
    await feed.apply(
      change(hold, 4, { remove: [[goes[0] ?? ''], [stays[0] ?? '']], rows: [changed] }),
    )
    expect(await textsOf(tenant)).toEqual([[stays[0], 'changed']])
    const left = await query('select entry_id::text from lines where entry_id::text = any ($1)', [
      [goes[0], stays[0]],
    ])
    expect(left).toEqual([[stays[0]]])
  })

  test('nothing of another tenant goes', async () => {
    const [tenant, other] = [newTenant(), newTenant()]
    const theirs = entry(other)
    await query(`insert into entries (id, account, at, text) values ($1, $2, $3, $4)`, [...theirs])
    await query('insert into lines values ($1, 1)', [theirs[0]])
    const hold = await copied(tenant)
    const parents = { columns: ['id'], values: [[theirs[0] ?? '']] }
    const answer = await feed.apply(change(hold, 2, { remove: [[theirs[0] ?? '']], parents }))
    expect(answer).toMatchObject({ removed: 0 })
    expect([await countOf('entries', other), await countOf('lines', other)]).toEqual([1, 1])
  })

  test('columns of which the other end knows nothing keep what they had', async () => {
    const tenant = newTenant()
    const hold = await copied(tenant)
    const row = entry(tenant)
    const whole = { columns: [...columns, 'price', 'tags'], rows: [[...row, '12.50', '{a}']] }
    await feed.apply(change(hold, 2, whole))
    const of = { remove: [[row[0] ?? '']], rows: [row.with(3, 'changed')], keep: ['price', 'tags'] }
    await feed.apply(change(hold, 3, of))
    const found = await query('select text, price::text, tags::text from entries where id = $1', [
      row[0],
    ])
    expect(found).toEqual([['changed', '12.50', '{a}']])
  })

  test('a step that is undone answers as if it were not, and leaves all as it was', async () => {
    const tenant = newTenant()
    const hold = await copied(tenant)
    const rows = [entry(tenant)]
    const undone = await feed.apply(change(hold, 2, { rows, undone: true }))
    expect(undone).toEqual({ removed: 0, brought: 1, collided: [], orphaned: [] })
    expect(await countOf('entries', tenant)).toBe(0)
    expect(await feed.readCheckpoint(hold)).toEqual(checkpoint(1))
    expect(await feed.apply(change(hold, 2, { rows }))).toEqual(undone)
  })

  test('rows of any tenant that refer to removed rows are reported by their foreign key', async () => {
    const other = newTenant()
    const [there, gone] = [entry(other), String(++lastId)]
    await query(`insert into entries (id, account, at, text) values ($1, $2, $3, $4)`, [...there])
    await end.database.pool.query(
      'begin; set local session_replication_role = replica; ' +
        `insert into marks values (${gone}, 'a', 'x'), (${gone}, 'b', 'x'), (${there[0]}, 'a', 'x'); commit`,
    )
    const keys = { columns: ['id'], values: [[gone], [there[0] ?? '']] }
    expect(await feed.brokenByLeaving('entries', keys)).toEqual([
      { foreignKey: expect.stringContaining('marks_entry_id_fkey'), rows: 2 },
    ])
    expect(await feed.brokenByLeaving('entries', { ...keys, values: [] })).toEqual([])
    expect(await feed.brokenByLeaving('marks', { columns: ['mark'], values: [['a']] })).toEqual([])
  })
})
