// The contract of rows that are read: order, pages, going on, what `null` and empty mean, and that
// nothing of another tenant is seen. Asked of each kind of end.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Page } from '../../src/ends/rows.ts'
import { newTenant } from '../helpers/ends/flag-states.ts'
import { hostileTenants } from '../helpers/ends/hostile.ts'
import { kinds, openTestEnd, pageRows, type TestEnd } from '../helpers/ends/kinds.ts'
import {
  type At,
  codeOf,
  endTable,
  lookAt,
  readAll,
  readingOf,
  rowsIn,
  tableAt,
} from '../helpers/ends/tenant-rows.ts'

let lastId = 0

describe.each(kinds)('%s', (kind) => {
  let end: TestEnd
  let at: At
  beforeAll(async () => {
    end = await openTestEnd(kind)
    at = await lookAt(end)
  })
  afterAll(() => end[Symbol.asyncDispose]())
  const withoutApi = test.skipIf(kind === 'api')
  const withSql = test.runIf(kind === 'sql')
  const withoutSql = test.skipIf(kind === 'sql')

  /** Returns the ids, which are not in the order in which they were written. */
  const addEntries = async (tenant: string, count: number): Promise<string[]> => {
    const from = lastId + 1
    lastId += count
    const query = `insert into entries (id, account, at, text)
      select g, $1, 'epoch', 'text ' || g from generate_series($2::int, $3::int) g order by -g`
    await end.database.pool.query(query, [tenant, from, lastId])
    return Array.from({ length: count }, (_, i) => String(from + i))
  }
  const addLines = (ids: readonly string[], line = 1) =>
    end.database.pool.query('insert into lines select unnest($1::int[]), $2', [ids, line])
  const entries = (tenant: string) => rowsIn(at, 'entries', tenant)
  const idsOf = async (tenant: string, after?: Pick<Page, 'cursor'> & { rowsRead: number }) =>
    (
      await readAll(at, readingOf(entries(tenant), { columns: ['id'], ...(after && { after }) }))
    ).flat()

  test('tables are described with their columns, types and keys', () => {
    const { columns, uniques } = tableAt(at, 'entries')
    const types = columns.map(({ name, typeName, typeText }) => [name, typeName, typeText])
    const some = [
      ['id', 'int8'],
      ['account', 'text'],
      ['tags', '_text'],
      ['raw', 'bytea'],
    ]
    expect(types.map(([name, typeName]) => [name, typeName])).toEqual(expect.arrayContaining(some))
    expect(types).toContainEqual(['price', 'numeric', 'numeric(9,2)'])
    expect(uniques.filter(({ primary }) => primary).map((key) => key.columns)).toEqual([['id']])
    expect(tableAt(at, 'marks').foreignKeys).toMatchObject([
      { columns: ['entry_id'], parent: 'entries' },
    ])
  })

  test.each([0, 1, pageRows - 1, pageRows, pageRows + 1, 3 * pageRows, 3 * pageRows + 1])(
    'of %i rows each is counted and comes once, in an order that stays',
    async (count) => {
      const [tenant, other] = [newTenant(), newTenant()]
      await addEntries(other, 2)
      const ids = await addEntries(tenant, count)
      await addEntries(other, 1)
      expect(await at.rows.counts([entries(tenant)])).toEqual([count])
      // An existing API gives them in an order of its own, which stays.
      const found = await idsOf(tenant)
      expect(kind === 'api' ? found.toSorted((a, b) => Number(a) - Number(b)) : found).toEqual(ids)
      expect(await idsOf(tenant)).toEqual(found)
    },
  )

  withSql('rows of many pages of a database come each once', async () => {
    const tenant = newTenant()
    const ids = await addEntries(tenant, 1_501)
    expect(await idsOf(tenant)).toEqual(ids)
  })

  test('a page is never empty, and says whether and where there is more', async () => {
    const tenant = newTenant()
    expect(await pagesOf(newTenant())).toEqual([])
    await addEntries(tenant, 2 * pageRows + 1)
    const pages = await pagesOf(tenant)
    expect(pages.every(({ rows }) => rows.length > 0)).toBe(true)
    const last = pages.at(-1)
    expect(last?.cursor).toBeNull()
    if (kind === 'sql') expect(pages.every(({ counted }) => counted)).toBe(true)
    else
      expect(pages.map(({ counted, cursor }) => [counted, cursor !== null])).toEqual([
        [false, true],
        [false, true],
        [false, false],
      ])
  })

  const pagesOf = async (tenant: string) => {
    const pages: Page[] = []
    for await (const page of at.rows.pages(readingOf(entries(tenant)))) pages.push(page)
    return pages
  }

  test('who goes on after a page gets what came behind it', async () => {
    const tenant = newTenant()
    await addEntries(tenant, 3 * pageRows)
    const ids = await idsOf(tenant)
    for (let rowsRead = 0; rowsRead <= ids.length; rowsRead += pageRows) {
      const cursor = await cursorAfter(tenant, rowsRead)
      if (kind !== 'sql' && cursor === null && rowsRead > 0) continue
      expect(await idsOf(tenant, { rowsRead, cursor })).toEqual(ids.slice(rowsRead))
    }
  })

  const cursorAfter = async (tenant: string, rowsRead: number) => {
    let read = 0
    if (kind === 'sql' || rowsRead === 0) return null
    for await (const { rows, cursor } of at.rows.pages(readingOf(entries(tenant)))) {
      read += rows.length
      if (read >= rowsRead) return cursor
    }
    return null
  }

  withoutSql('a cursor that the end has never given is refused, or leads to no row', async () => {
    if (kind === 'api') return
    const tenant = newTenant()
    await addEntries(tenant, 1)
    for (const cursor of ['', 'x', Buffer.from('["1","2","3"]').toString('base64url')]) {
      const reading = readingOf(entries(tenant), { after: { rowsRead: 1, cursor } })
      expect(await codeOf(readAll(at, reading))).toBe('USAGE')
    }
  })

  test('reading ends with its signal, and leaves the end as it was', async () => {
    const tenant = newTenant()
    await addEntries(tenant, 3 * pageRows)
    for (const early of [true, false]) {
      const abort = new AbortController()
      const reason = new Error('that is enough')
      if (early) abort.abort(reason)
      const read = async () => {
        for await (const _ of at.rows.pages(readingOf(entries(tenant), { signal: abort.signal }))) {
          abort.abort(reason)
        }
        abort.signal.throwIfAborted()
      }
      await expect(read()).rejects.toBe(reason)
    }
    expect(await at.rows.counts([entries(tenant)])).toEqual([3 * pageRows])
  })

  test('who stops reading leaves no connection behind', async () => {
    const tenant = newTenant()
    await addEntries(tenant, 3 * pageRows)
    for (let times = 0; times < 12; times += 1) {
      for await (const { rows } of at.rows.pages(readingOf(entries(tenant)))) {
        expect(rows.length).toBeGreaterThan(0)
        break
      }
    }
    expect(await at.rows.counts([entries(tenant)])).toEqual([3 * pageRows])
  })

  /** An existing API has its own word, which PostgreSQL reads as well. */
  const boolOf = (text: string | null = null) =>
    kind === 'api' && text !== null ? { f: 'false', t: 'true' }[text] : text

  test('values come as the texts of PostgreSQL, NULL as null and what is empty as that', async () => {
    const tenant = newTenant()
    const [id] = await addEntries(tenant, 1)
    const values = [
      [id, tenant, '', '12345.60', '2026-01-02 03:04:05.123456+00', '{}', '{}', null, '\\x', 'f'],
      [
        id,
        tenant,
        'a\tb\n\\N "q" \\. 🏠',
        null,
        '1970-01-01 00:00:00+00',
        '{"",NULL,"a,\\"b"}',
        kind === 'api' ? '{"a":[1,null]}' : '{"a": [1, null]}',
        '9223372036854775807',
        '\\x00ff',
        't',
      ],
    ]
    for (const row of values) {
      const set = `text = $2, price = $3, at = $4, tags = $5, extra = $6, big = $7, raw = $8, done = $9`
      await end.database.pool.query(`update entries set ${set} where id = $1`, [
        id,
        ...row.slice(2),
      ])
      expect(await readAll(at, readingOf(entries(tenant)))).toEqual([
        row.with(-1, boolOf(row.at(-1))),
      ])
    }
  })

  test('columns come in the order in which they were asked for', async () => {
    const tenant = newTenant()
    const [id] = await addEntries(tenant, 1)
    const reading = readingOf(entries(tenant))
    const columns = ['done', 'id', 'account'].flatMap((name) =>
      reading.columns.filter((column) => column.name === name),
    )
    expect(await readAll(at, { ...reading, columns })).toEqual([[null, id, tenant]])
  })

  test('no tenant is given rows of another one, whatever their ids are made of', async () => {
    const known = new Map<string, string[]>()
    for (const tenant of hostileTenants) known.set(tenant, await addEntries(tenant, 1))
    for (const [tenant, ids] of known) expect([tenant, await idsOf(tenant)]).toEqual([tenant, ids])
    const answers = await at.rows.knownTenants(hostileTenants, [endTable(at, 'entries')])
    expect(answers).toEqual(hostileTenants.map((tenant) => ({ tenant, hasRows: true })))
  })

  test('a tenant without rows is known as one, where the end can tell', async () => {
    const tenant = newTenant()
    const [known] = await at.rows.knownTenants([tenant], [endTable(at, 'entries')])
    expect(known).toEqual({ tenant, hasRows: kind === 'api' })
    expect(await at.rows.knownTenants([], [endTable(at, 'entries')])).toEqual([])
  })

  withoutApi('rows that find their tenant through a parent are the tenant’s', async () => {
    const [tenant, other] = [newTenant(), newTenant()]
    const own = await addEntries(tenant, 2 * pageRows + 1)
    await addLines([...own, ...(await addEntries(other, 3))])
    const reading = readingOf(rowsIn(at, 'lines', tenant), { columns: ['entry_id', 'line'] })
    expect(await readAll(at, reading)).toEqual(own.map((id) => [id, '1']))
    expect(await at.rows.counts([rowsIn(at, 'lines', tenant)])).toEqual([own.length])
  })

  withoutApi('only the tenant’s rows among some keys are read and counted', async () => {
    const [tenant, other] = [newTenant(), newTenant()]
    const [first = '', second = ''] = await addEntries(tenant, 3)
    const [theirs = ''] = await addEntries(other, 1)
    const among = (...ids: string[]) => ({ columns: ['id'], values: ids.map((id) => [id]) })
    const reading = readingOf(entries(tenant), { columns: ['id'] })
    const keys = among(second, theirs, '99999999', first, first)
    expect((await readAll(at, { ...reading, keys })).flat()).toEqual([first, second])
    expect(await at.rows.counts([{ ...entries(tenant), keys }])).toEqual([2])
    expect(await readAll(at, { ...reading, keys: among() })).toEqual([])
    expect(await at.rows.counts([{ ...entries(tenant), keys: among() }])).toEqual([0])
  })

  test('what an end does not know it refuses', async () => {
    const table = { ...tableAt(at, 'entries'), name: 'nowhere' }
    const unknown = { ...entries(newTenant()), table }
    const code = { sql: 'DATABASE_ERROR', http: 'USAGE', api: 'PREFLIGHT_FAILED' }[kind]
    expect(await codeOf(at.rows.counts([unknown]))).toBe(code)
    expect(await codeOf(readAll(at, readingOf(unknown)))).toBe(code)
  })
})
