// The contract of what is looked up at an end: digests, keys, references and sequences.
// Asked of each kind of end.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestsOf } from '../../src/ends/end.ts'
import type { Compared } from '../../src/ends/rows.ts'
import type { Texts } from '../../src/ends/tenant-rows.ts'
import { newTenant } from '../helpers/ends/flag-states.ts'
import { kinds, openTestEnd, type TestEnd } from '../helpers/ends/kinds.ts'
import {
  type At,
  codeOf,
  endTable,
  lookAt,
  readAll,
  readingOf,
  rowsIn,
  scope,
  type TableName,
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
  const withApi = test.runIf(kind === 'api')
  const withSql = test.runIf(kind === 'sql')
  const withoutSql = test.skipIf(kind === 'sql')
  const query = (text: string, values: unknown[] = []) => end.database.pool.query(text, values)
  const entries = (tenant: string) => rowsIn(at, 'entries', tenant)

  const addEntries = async (tenant: string, count: number): Promise<string[]> => {
    const from = lastId + 1
    lastId += count
    await query(
      `insert into entries (id, account, at, text, price)
       select g, $1, 'epoch', 'text ' || g, 1.50 from generate_series($2::int, $3::int) g`,
      [tenant, from, lastId],
    )
    return Array.from({ length: count }, (_, i) => String(from + i))
  }

  const comparedOf = (of: Compared['of'], names = ['id', 'text', 'price', 'tags']): Compared => {
    const columns = names.map((name, i) => {
      const typeSql = of.table.columns.find((column) => column.name === name)?.typeSql ?? ''
      const sql = 'given' in of ? `r.c${i}` : `r.${name}`
      return { sql, from: name, typeSql, cast: 'given' in of ? typeSql : null }
    })
    return { of, key: columns.slice(0, 1), columns, hash: 'record' }
  }
  const digestOf = (of: Compared['of']) => digestsOf(end.end).side(comparedOf(of)).digest()

  withoutApi('a digest tells rows that differ in anything, and no order', async () => {
    const tenant = newTenant()
    const none = await digestOf(entries(tenant))
    expect(none).toEqual({ rows: 0n, sum: 0n })
    const [id] = await addEntries(tenant, 5)
    const before = await digestOf(entries(tenant))
    expect(before.rows).toBe(5n)
    const changes = [`text = ''`, 'text = null', 'price = 1.51', `tags = '{}'`, `tags = '{NULL}'`]
    const sums = new Set([before.sum])
    for (const change of changes) {
      await query(`update entries set text = 'text', price = 1, tags = null where id = $1`, [id])
      await query(`update entries set ${change} where id = $1`, [id])
      sums.add((await digestOf(entries(tenant))).sum)
    }
    expect(sums.size).toBe(1 + changes.length)
    await query('update entries set text = text where account = $1', [tenant])
    const [sum] = [(await digestOf(entries(tenant))).sum]
    expect((await digestOf(entries(tenant))).sum).toBe(sum)
  })

  withoutApi('buckets add up to the digest, and hashes name each key of theirs', async () => {
    const tenant = newTenant()
    const ids = await addEntries(tenant, 30)
    await addEntries(newTenant(), 3)
    const side = digestsOf(end.end).side(comparedOf(entries(tenant)))
    const [digest, buckets] = [await side.digest(), await side.buckets()]
    const all = [...buckets.values()]
    expect(all.reduce((rows, one) => rows + one.rows, 0n)).toBe(digest.rows)
    expect(all.reduce((sum, one) => sum + one.sum, 0n)).toBe(digest.sum)
    const hashes = await side.hashes([...buckets.keys()])
    expect([...hashes.keys()].toSorted()).toEqual(ids.map((id) => `(${id})`).toSorted())
    const [first = 0] = buckets.keys()
    expect((await side.hashes([first])).size).toBe(Number(buckets.get(first)?.rows))
    expect(await side.hashes([])).toEqual(new Map())
  })

  withoutApi('rows that are given are hashed as those that are there', async () => {
    const tenant = newTenant()
    await addEntries(tenant, 3)
    const table = tableAt(at, 'entries')
    const columns = ['id', 'text', 'price', 'tags']
    const given: Texts[] = await readAll(at, readingOf(entries(tenant), { columns }))
    const reordered = given.map((row) =>
      columns.map(
        (name) =>
          row[readingOf(entries(tenant), { columns }).columns.findIndex((c) => c.name === name)] ??
          null,
      ),
    )
    expect(await digestOf({ table, given: reordered })).toEqual(await digestOf(entries(tenant)))
    expect(await digestOf({ table, given: reordered.slice(1) })).not.toEqual(
      await digestOf(entries(tenant)),
    )
    expect(await digestOf({ table, given: [] })).toEqual({ rows: 0n, sum: 0n })
  })

  withoutApi('only rows among some keys are hashed', async () => {
    const tenant = newTenant()
    const [id = ''] = await addEntries(tenant, 3)
    const keys = { columns: ['id'], values: [[id]] }
    expect((await digestOf({ ...entries(tenant), keys })).rows).toBe(1n)
    expect((await digestOf({ ...entries(tenant), keys: { ...keys, values: [] } })).rows).toBe(0n)
  })

  withApi('an existing API makes no digests and has no sequences', async () => {
    expect(end.end.digests).toBeUndefined()
    expect(() => digestsOf(end.end)).toThrow('makes no digests of its rows')
    expect(await codeOf(at.rows.positionsOf(['s']))).toBe('PREFLIGHT_FAILED')
  })

  withoutApi('keys that rows of the tenant share or lack are named', async () => {
    const [tenant, other] = [newTenant(), newTenant()]
    await query(
      `insert into bills (account, number) values ($1, 1), ($1, 2), ($2, 1), ($1, null), ($1, null)`,
      [tenant, other],
    )
    const bills = rowsIn(at, 'bills', tenant)
    expect(await at.rows.repeatedKeys(bills, ['number'])).toEqual(['()'])
    expect(await at.rows.repeatedKeys(bills, ['account'])).toEqual([
      expect.stringContaining(tenant),
    ])
    expect(await at.rows.repeatedKeys(bills, ['id'])).toEqual([])
    expect(await at.rows.repeatedKeys(rowsIn(at, 'bills', newTenant()), ['number'])).toEqual([])
  })

  withoutApi('existing keys of any tenant are reported', async () => {
    const [first = '', second = ''] = await addEntries(newTenant(), 2)
    const keys = { table: tableAt(at, 'entries'), key: ['id'] }
    const asked = [[first], ['99999999'], [second]]
    const [found = []] = await at.rows.existingKeys([{ ...keys, keys: asked }])
    expect(found.toSorted()).toEqual([`(${first})`, `(${second})`].toSorted())
    expect(await at.rows.existingKeys([{ ...keys, keys: [] }])).toEqual([[]])
    expect(await at.rows.existingKeys([{ ...keys, keys: [[null]] }])).toEqual([[]])
  })

  withoutApi('a table is empty when no tenant has a row in it', async () => {
    await query('truncate orders')
    expect(await at.rows.emptyTables([tableAt(at, 'visits')])).toEqual(new Set(['visits']))
    await query(`insert into visits values ('anybody', '2026-01-01', 1)`)
    expect(await at.rows.emptyTables([tableAt(at, 'visits')])).toEqual(new Set())
  })

  withoutApi('references to missing rows are reported by their foreign key', async () => {
    const tenant = newTenant()
    const [id = '', gone = ''] = await addEntries(tenant, 2)
    await query('insert into lines values ($1, 1), ($2, 1)', [id, gone])
    const tables = (['entries', 'lines'] as TableName[]).map((name) => endTable(at, name))
    const marks = rowsIn(at, 'marks', tenant)
    await query(`insert into marks values ($1, 'a', $3), ($2, 'a', $3), ($2, 'b', $3)`, [
      id,
      gone,
      tenant,
    ])
    expect(await at.rows.brokenReferences([marks], tables)).toEqual([[]])
    const client = await end.database.pool.connect()
    await client.query('begin; set local session_replication_role = replica')
    await client.query('delete from entries where id = $1', [gone])
    await client.query('commit')
    client.release()
    const none = rowsIn(at, 'marks', newTenant())
    expect(await at.rows.brokenReferences([marks, none], tables)).toEqual([
      [{ foreignKey: 'marks_entry_id_fkey', rows: 2, values: [`(${gone})`, `(${gone})`] }],
      [],
    ])
  })

  test('the largest id is the tenant’s, and none without rows', async () => {
    const [tenant, other] = [newTenant(), newTenant()]
    const ids = await addEntries(tenant, 3)
    await addEntries(other, 1)
    const largest = kind === 'api' ? null : BigInt(ids.at(-1) ?? 0)
    const use = (of: string) => ({ rows: entries(of), column: 'id', descending: false })
    const none = newTenant()
    expect(await at.rows.largestIds([use(tenant), use(none)])).toEqual([largest, null])
  })

  withoutApi('a sequence only ever goes forward', async () => {
    const sequence = tableAt(at, 'bills').columns.find(({ name }) => name === 'id')?.sequence ?? ''
    const [start = 0n] = await at.rows.positionsOf([sequence])
    const advance = (id: bigint) => at.rows.advanceSequences([{ sequence, id }])
    expect(await advance(start + 1_000n)).toEqual([sequence])
    expect(await at.rows.positionsOf([sequence])).toEqual([start + 1_000n])
    for (const id of [start + 1_000n, start, 1n]) {
      expect(await advance(id)).toEqual([])
    }
    const insert = `insert into bills (account) values ('anybody') returning id`
    expect((await query(insert)).rows).toEqual([{ id: String(start + 1_001n) }])
    expect(await codeOf(at.rows.positionsOf(['no_such_sequence']))).toBe(
      kind === 'sql' ? 'DATABASE_ERROR' : 'USAGE',
    )
  })

  withoutSql('only a database runs the plan’s SQL', async () => {
    const space = {
      scope,
      tenant: newTenant(),
      runId: 'run',
      space: 'ids',
      by: 'gen_random_uuid()',
    }
    for (const work of [
      () => at.rows.newIds(space, ['1']),
      () => at.rows.forgetNewIds(space),
      () => at.rows.readRelations('select 1'),
      () => at.rows.ask('select 1', 1),
    ]) {
      expect(await codeOf(work())).toBe('PREFLIGHT_FAILED')
    }
  })

  withSql(
    'a query of the plan changes nothing, and gives no more rows than asked for',
    async () => {
      const query = 'select g as n, null as empty from generate_series(1, 9) g'
      expect(await at.rows.ask(query, 2)).toEqual({
        columns: ['n', 'empty'],
        rows: [
          ['1', null],
          ['2', null],
        ],
      })
      const deletes = `select (select count(*) from pg_temp.gone)`
      expect(await codeOf(at.rows.ask(deletes, 1))).toBe('DATABASE_ERROR')
      expect(await codeOf(at.rows.ask(`select nextval('bills_id_seq')`, 1))).toBe('DATABASE_ERROR')
      expect(await at.rows.readRelations('select * from entries join marks on true')).toEqual(
        expect.arrayContaining(['entries', 'marks']),
      )
    },
  )

  withSql('an old id becomes one new one for each tenant and run', async () => {
    const [tenant, other] = [newTenant(), newTenant()]
    const space = { scope, tenant, runId: 'run', space: 'ids', by: 'gen_random_uuid()' }
    const made = await at.rows.newIds(space, ['1', '2'])
    expect([...made.keys()].toSorted()).toEqual(['1', '2'])
    expect(new Set(made.values()).size).toBe(2)
    const again = await at.rows.newIds(space, ['2', '3'])
    expect(again.get('2')).toBe(made.get('2'))
    for (const change of [{ tenant: other }, { runId: 'another' }, { space: 'others' }]) {
      const theirs = await at.rows.newIds({ ...space, ...change }, ['1'])
      expect(theirs.get('1')).not.toBe(made.get('1'))
    }
    expect(await at.rows.newIds(space, [])).toEqual(new Map())
    await at.rows.forgetNewIds(space)
    expect((await at.rows.newIds(space, ['1'])).get('1')).not.toBe(made.get('1'))
  })
})
