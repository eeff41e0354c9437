// The contract of rows that are written and removed: one commit for rows and progress, under the
// attempt's flag alone, and never a row of another tenant. Asked of each kind of end.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Texts } from '../../src/ends/tenant-rows.ts'
import { begin, bringTo, holdOf, newActor, newTenant } from '../helpers/ends/flag-states.ts'
import { kinds, openTestEnd, type TestEnd } from '../helpers/ends/kinds.ts'
import {
  type At,
  type CheckpointHold,
  codeOf,
  counted,
  endTable,
  lookAt,
  readAll,
  readingOf,
  receiving,
  rowsIn,
  writeBatch,
  writingOf,
} from '../helpers/ends/tenant-rows.ts'

let lastId = 0
const columns = ['id', 'account', 'at', 'text']
const at0 = '1970-01-01 00:00:00+00'

describe.each(kinds)('%s', (kind) => {
  let end: TestEnd
  let at: At
  beforeAll(async () => {
    end = await openTestEnd(kind)
    at = await lookAt(end)
  })
  afterAll(() => end[Symbol.asyncDispose]())
  const withoutApi = test.skipIf(kind === 'api')
  const withApi = test.runIf(kind === 'api')
  const withHttp = test.runIf(kind === 'http')
  const entriesOf = (tenant: string, count: number): Texts[] =>
    Array.from({ length: count }, () => {
      lastId += 1
      return [String(lastId), tenant, at0, `text ${lastId}`]
    })
  const entries = (tenant: string) => rowsIn(at, 'entries', tenant)
  const found = async (tenant: string) => {
    const rows = await readAll(
      at,
      readingOf(entries(tenant), { columns: ['id', 'account', 'text'] }),
    )
    return rows.toSorted((a, b) => Number(a[0]) - Number(b[0]))
  }
  const written = (rows: readonly Texts[]) =>
    rows.map(([id, account, , text]) => [id, account, text])
  const progress = (hold: CheckpointHold) => at.rows.readProgress(hold)
  /** Columns as the table has them. */
  const ordered = (rows: readonly Texts[]) => ({ columns, rows })

  test('rows are there with the commit that counts them, and not before', async () => {
    const tenant = newTenant()
    const hold = await receiving(end, tenant)
    const [first, second] = [entriesOf(tenant, 3), entriesOf(tenant, 2)]
    await at.rows.write(writingOf({ at, name: 'entries' }, hold), async (writer) => {
      await writer.write(first, columns)
      expect(await found(tenant)).toEqual([])
      await writer.commit(counted(3))
      expect(await found(tenant)).toEqual(written(first))
      await writer.write(second.slice(0, 1), columns)
      await writer.write(second.slice(1), columns)
      await writer.commit(counted(5, { done: true, cursor: 'there' }))
    })
    expect(await found(tenant)).toEqual(written([...first, ...second]))
    const reached = kind === 'api' ? [] : [['entries', counted(5, { done: true, cursor: 'there' })]]
    expect([...(await progress(hold))]).toEqual(reached)
  })

  test('what was not committed is not there, however the writing ended', async () => {
    const tenant = newTenant()
    const hold = await receiving(end, tenant)
    const writing = writingOf({ at, name: 'entries' }, hold)
    await at.rows
      .write(writing, async (writer) => {
        await writer.write(entriesOf(tenant, 2), columns)
        throw new Error('that is enough')
      })
      .catch(() => {})
    expect(await found(tenant)).toEqual([])
    expect(await progress(hold)).toEqual(new Map())
    // And nothing of it comes with what is written next.
    const rows = entriesOf(tenant, 1)
    await writeBatch(at, writing, ordered(rows))
    expect(await found(tenant)).toEqual(written(rows))
  })

  test('a commit without rows stores how far the copy has come', async () => {
    const hold = await receiving(end, newTenant())
    const writing = writingOf({ at, name: 'entries' }, hold)
    await at.rows.write(writing, (writer) => writer.commit(counted(0, { done: true })))
    const reached = kind === 'api' ? undefined : counted(0, { done: true })
    expect((await progress(hold)).get('entries')).toEqual(reached)
  })

  test('texts arrive as they were', async () => {
    const tenant = newTenant()
    const hold = await receiving(end, tenant)
    const texts = [
      '',
      'NULL',
      '\\N',
      '\\.',
      'a\tb\nc\rd',
      '"q", \'q\' {x}',
      '🏠é\u202e',
      '\u0001',
      null,
    ]
    const rows = entriesOf(tenant, texts.length).map((row, i) => row.with(3, texts[i] ?? null))
    await writeBatch(at, writingOf({ at, name: 'entries' }, hold), ordered(rows))
    expect(await found(tenant)).toEqual(written(rows))
  })

  test('values of every kind arrive as they were', async () => {
    const tenant = newTenant()
    const hold = await receiving(end, tenant)
    lastId += 1
    const names = ['id', 'account', 'at', 'price', 'tags', 'big', 'raw', 'done']
    const row = [
      String(lastId),
      tenant,
      '2026-01-02 03:04:05.123456+00',
      '99.90',
      '{"a b",NULL,""}',
      '9007199254740993',
      '\\x00ff',
      't',
    ]
    await writeBatch(at, writingOf({ at, name: 'entries' }, hold), { columns: names, rows: [row] })
    const query = `select id::text, account, at::text, price::text, tags::text, big::text, raw::text,
      case when done then 't' end as done from entries where account = $1`
    const { rows } = await end.database.pool.query({ text: query, rowMode: 'array' }, [tenant])
    expect(rows).toEqual([row])
  })

  withApi('the same rows again replace themselves', async () => {
    const tenant = newTenant()
    const hold = await receiving(end, tenant)
    const rows = entriesOf(tenant, 2)
    const again = rows.map((row) => row.with(3, 'again'))
    for (const some of [rows, again])
      await writeBatch(at, writingOf({ at, name: 'entries' }, hold), ordered(some))
    expect(await found(tenant)).toEqual(written(again))
  })

  withHttp('a batch that comes again is written once', async () => {
    const tenant = newTenant()
    const hold = await receiving(end, tenant)
    const rows = entriesOf(tenant, 2)
    for (let times = 0; times < 3; times += 1) {
      await writeBatch(at, writingOf({ at, name: 'entries' }, hold), ordered(rows))
    }
    expect(await found(tenant)).toEqual(written(rows))
    const gap = writingOf({ at, name: 'entries', from: counted(1) }, hold)
    expect(await codeOf(writeBatch(at, gap, ordered(entriesOf(tenant, 2))))).toBe('USAGE')
    const uncounted = { ...ordered(entriesOf(tenant, 1)), progress: counted(2) }
    const from = writingOf({ at, name: 'entries', from: counted(2) }, hold)
    expect(await codeOf(writeBatch(at, from, uncounted))).toBe('USAGE')
    expect(await found(tenant)).toEqual(written(rows))
  })

  withoutApi('progress is that of one epoch', async () => {
    const tenant = newTenant()
    const hold = await receiving(end, tenant)
    await writeBatch(at, writingOf({ at, name: 'entries' }, hold), ordered(entriesOf(tenant, 2)))
    expect(await progress({ ...hold, epoch: randomUUID() })).toEqual(new Map())
    expect([...(await progress(hold)).keys()]).toEqual(['entries'])
  })

  withoutApi('progress is removed for the holder of the flag only', async () => {
    const tenant = newTenant()
    const hold = await receiving(end, tenant)
    await writeBatch(at, writingOf({ at, name: 'entries' }, hold), ordered(entriesOf(tenant, 2)))
    await at.rows.forgetProgress({ ...hold, token: randomUUID() })
    expect((await progress(hold)).size).toBe(1)
    await at.rows.forgetProgress(hold)
    expect((await progress(hold)).size).toBe(0)
  })

  const tryWrite = (tenant: string, hold: CheckpointHold) =>
    codeOf(writeBatch(at, writingOf({ at, name: 'entries' }, hold), ordered(entriesOf(tenant, 1))))

  withoutApi('no row is written but by the attempt for which the end is closed', async () => {
    for (const state of ['open', 'capturing', 'read-only', 'moved'] as const) {
      const actor = await bringTo(end, newTenant(), state)
      expect([
        state,
        await tryWrite(actor.tenant, { ...holdOf(actor), epoch: actor.epoch }),
      ]).toEqual([state, 'FENCE_LOST'])
    }
    const tenant = newTenant()
    const hold = await receiving(end, tenant)
    expect(await tryWrite(tenant, { ...hold, token: randomUUID() })).toBe('FENCE_LOST')
    await begin(end.beside, newActor(tenant))
    expect(await tryWrite(tenant, hold)).toBe('FENCE_LOST')
    expect(await at.rows.counts([entries(tenant)])).toEqual([0])
  })

  withoutApi('who moves one tenant writes no row of another', async () => {
    const tenant = newTenant()
    const other = newTenant()
    const hold = await receiving(end, tenant)
    expect(await tryWrite(other, hold)).toBe('ROW_REJECTED')
    expect(await at.rows.counts([entries(other)])).toEqual([0])
  })

  withoutApi('a row that is rejected is named by its table, key and column', async () => {
    const tenant = newTenant()
    const hold = await receiving(end, tenant)
    const rows = entriesOf(tenant, 6).map((row, i) =>
      i === 4 ? [row[0], tenant, 'soon', null] : row,
    )
    const written = writeBatch(
      at,
      writingOf({ at, name: 'entries' }, hold),
      ordered(rows as Texts[]),
    )
    await expect(written).rejects.toMatchObject({
      code: 'ROW_REJECTED',
      message: expect.stringContaining(`the row with (id) = (${rows[4]?.[0]})`),
      data: { table: 'entries', key: [rows[4]?.[0]], column: 'at' },
    })
  })

  withoutApi('rows that collide are reported, and nothing of their batch is written', async () => {
    const [tenant, other] = [newTenant(), newTenant()]
    const [theirs] = entriesOf(other, 1)
    await end.database.pool.query(
      `insert into entries (id, account, at) values ($1, $2, 'epoch')`,
      [theirs?.[0], other],
    )
    const hold = await receiving(end, tenant)
    const rows = [...entriesOf(tenant, 2), [theirs?.[0] ?? '', tenant, at0, null]]
    expect(
      await codeOf(writeBatch(at, writingOf({ at, name: 'entries' }, hold), ordered(rows))),
    ).toBe('ID_COLLISION')
    expect(await found(tenant)).toEqual([])
    let told = 0
    const leavingOut = { path: endTable(at, 'entries').path, tell: () => (told += 1) }
    await writeBatch(at, writingOf({ at, name: 'entries', leavingOut }, hold), ordered(rows))
    expect(await found(tenant)).toEqual(written(rows.slice(0, 2)))
    expect(told).toBe(1)
  })

  withoutApi(
    'a child before its parent is refused, or left out; without foreign keys it is written',
    async () => {
      const tenant = newTenant()
      const hold = await receiving(end, tenant)
      const [entry = []] = entriesOf(tenant, 1)
      const mark = {
        columns: ['entry_id', 'mark', 'account'],
        rows: [[entry[0] ?? '', 'a', tenant]],
      }
      const line = { columns: ['entry_id', 'line'], rows: [[entry[0] ?? '', '1']] }
      expect(await codeOf(writeBatch(at, writingOf({ at, name: 'marks' }, hold), mark))).toBe(
        'ROW_REJECTED',
      )
      let told = 0
      const leavingOut = { path: endTable(at, 'lines').path, tell: () => (told += 1) }
      await writeBatch(at, writingOf({ at, name: 'lines', leavingOut }, hold), line)
      expect(told).toBe(1)
      await writeBatch(at, writingOf({ at, name: 'marks', replicate: true }, hold), mark)
      expect(await at.rows.counts([rowsIn(at, 'marks', tenant)])).toEqual([1])
      expect(
        (await end.database.pool.query('select from lines where entry_id = $1', [entry[0]]))
          .rowCount,
      ).toBe(0)
    },
  )

  test('rows that stay behind are kept with those that do not, where the end has a place for them', async () => {
    const tenant = newTenant()
    const hold = await receiving(end, tenant)
    const row = { key: '(1)', message: 'it does not fit', row: { id: '1', text: null } }
    const commit = at.rows.write(writingOf({ at, name: 'entries' }, hold), (writer) =>
      writer.commit(counted(1), [row]),
    )
    if (kind === 'api') return expect(await codeOf(commit)).toBe('PREFLIGHT_FAILED')
    await commit
    const { key, message } = row
    expect(await at.rows.readQuarantined(hold)).toEqual([{ table: 'entries', key, message }])
    expect(await at.rows.readQuarantined({ ...hold, epoch: randomUUID() })).toEqual([])
    await at.rows.forgetProgress(hold)
    expect(await at.rows.readQuarantined(hold)).toEqual([])
  })
})
