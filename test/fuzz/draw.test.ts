// What the fuzzer draws: the same for the same seed, and something to shrink.
import { describe, expect, test } from 'vitest'
import type { Case, Table } from '../../fuzz/cases/case.ts'
import { sqlOf, writeSql } from '../../fuzz/cases/case-sql.ts'
import { shrink } from '../../fuzz/cases/shrink.ts'
import { plain } from '../../fuzz/draw/draft.ts'
import { drawCase } from '../../fuzz/draw/draw-case.ts'
import { neededShared } from '../../fuzz/draw/needed-shared.ts'
import { readOptions } from '../../fuzz/options.ts'
import { differences, type Line, shapesOf } from '../../fuzz/whole.ts'

const numbers = Array.from({ length: 40 }, (_, i) => i)
const textOf = (value: unknown) => JSON.stringify(value)

test('a seed and a number give the same case again, and another seed gives another one', () => {
  for (const number of numbers) {
    expect(textOf(drawCase(7, number))).toBe(textOf(drawCase(7, number)))
  }
  expect(textOf(drawCase(7, 1))).not.toBe(textOf(drawCase(8, 1)))
  expect(textOf(drawCase(7, 1))).not.toBe(textOf(drawCase(7, 2)))
})

test('every row of every case says whose it is', () => {
  for (const number of numbers) {
    const { rows, tables } = drawCase(7, number)
    expect(tables.every(({ columns }) => columns.some(({ name }) => name === 'mark'))).toBe(true)
    expect(rows.every(({ mark, owner }) => mark.startsWith(`${owner}/`))).toBe(true)
    expect(new Set(rows.map(({ mark }) => mark)).size).toBe(rows.length)
  }
})

describe('of 200 cases some have', () => {
  const cases = Array.from({ length: 200 }, (_, i) => drawCase(5, i))
  const writesOf = ({ story }: Case) =>
    story.steps.flatMap(({ writes }) => writes.flatMap((one) => one.writes))
  const writes = cases.flatMap(writesOf)
  const columns = cases.flatMap(({ tables }) => tables.flatMap((one) => one.columns))

  test.each([
    ['temporal keys', /without overlaps/],
    ['references to periods', /, period "/],
    ['row security', /enable row level security/],
    ['tables that inherit', /inherits \(/],
    ['partitions of partitions', /"[^"]* p0 s1" partition of/],
    ["another schema's tables", /create table "Outside"/],
  ])('%s', (_, sql) => {
    expect(cases.some((kase) => sql.test(sqlOf(kase, 'source')))).toBe(true)
  })

  test('tenants of each shape that go to each', () => {
    const shapes = cases.map(({ story }) => `${story.shapes.source} to ${story.shapes.target}`)
    expect(new Set(shapes).size).toBe(9)
    const others = cases.filter(({ story }) => story.shapes.source !== 'column')
    expect(others.every(({ rows }) => rows.every(({ owner }) => !'bc'.includes(owner)))).toBe(true)
  })

  test.each<[string, (one: Table) => boolean]>([
    ['a reference without a key', ({ ways: [one, ...more] }) => !!one && !one.declared && !more[0]],
    ['several ways', ({ ways }) => ways.length > 2],
    ['ways by type', ({ ways }) => ways.some(({ kind }) => kind !== null)],
    ['a way to its own rows', ({ ways, name }) => ways.some(({ parent }) => parent === name)],
  ])('a table with %s, and rows that go it', (_, isSuch) => {
    const found = cases.filter(({ tables, rows }) =>
      tables.some((one) => {
        const columns = one.ways.flatMap((way) => way.columns)
        return (
          isSuch(one) &&
          rows.some(({ table, owner, values }) => {
            return table === one.name && owner === 'a' && columns.some((column) => column in values)
          })
        )
      }),
    )
    expect(found.length).toBeGreaterThan(3)
  })

  test('rows that rows of the tenant refer to, and shared ones that the target lacks', () => {
    const referred = cases.filter(({ tables, rows }) =>
      tables.some(({ name, referredBy }) => {
        const own = rows.filter(({ table, owner }) => table === name && owner === 'a')
        return referredBy.length > 0 && own.length > 0
      }),
    )
    const lacking = cases.filter((kase) => {
      const needed = neededShared(kase)
      return kase.rows.some(({ absent, mark }) => absent && needed.has(mark))
    })
    expect([referred.length > 10, lacking.length > 5]).toEqual([true, true])
    const absent = cases.flatMap(({ rows }) => rows.filter((row) => row.absent))
    for (const { mark, owner } of absent) expect([mark, owner]).toEqual([mark, '-'])
  })

  test('shared rows with other ids at the target, to which rows refer by their names there', () => {
    const renumbered = cases.filter(({ tables, rows }) =>
      rows.some(({ table, values, there = {} }) => {
        const [key = ''] = tables.find(({ name }) => name === table)?.key ?? []
        return key in there && there[key] !== values[key]
      }),
    )
    expect(renumbered.length).toBeGreaterThan(1)
    for (const kase of renumbered) {
      expect(kase.story.over).toEqual([])
      expect(sqlOf(kase, 'target')).toContain('"known by"')
    }
  })

  test.each(['copy', 'truncate'])('%s as a write', (kind) => {
    expect(writes.some((write) => write.kind === kind)).toBe(true)
  })

  test.each([[[]], [['source']], [['target']], [['source', 'target']]])('%j over HTTP', (over) => {
    expect(cases.some(({ story }) => textOf(story.over) === textOf(over))).toBe(true)
  })

  test.each(['columns', 'transform'])('a column that becomes another by `%s`', (by) => {
    expect(columns.some(({ becomes }) => becomes?.by === by)).toBe(true)
  })
})

test('a column that becomes another is written as each end has it', () => {
  const becomes = { name: 'Kode', prefix: '> ', by: 'columns' } as const
  const [table] = drawCase(7, 0).tables
  const column = { ...plain, name: 'code', type: 'text', becomes }
  const kase = { ...drawCase(7, 0), tables: [{ ...table, columns: [column] }] } as Case
  const set = { code: `'x'` }
  const write = { kind: 'update', table: table?.name ?? '', mark: 'a/1', set } as const
  expect(writeSql(kase, write, 'source')).toContain(`set "code" = 'x' where`)
  expect(writeSql(kase, write, 'target')).toContain(`set "Kode" = '> ' || 'x' where`)
  expect(shapesOf(kase)).toEqual(
    new Map([[`${table?.name} code`, { name: 'Kode', value: `('> ' || r."code")` }]]),
  )
})

test('a case is shrunk to what its failure needs', async () => {
  const drawn = numbers
    .map((number) => drawCase(7, number))
    .find(({ rows }) => rows.filter(({ owner }) => owner === 'b').length > 3) as Case
  const [needed] = drawn.rows.filter(({ owner }) => owner === 'b').slice(2)
  const fails = async ({ rows }: Case) => rows.some(({ mark }) => mark === needed?.mark)
  const smallest = await shrink(drawn, { fails, untilMs: Infinity })
  expect(smallest.rows).toEqual([expect.objectContaining({ mark: needed?.mark })])
  expect(smallest.tables.map(({ name }) => name)).toEqual([needed?.table])
  expect(smallest).toMatchObject({ constraints: [], reactions: [], prelude: [], probes: [] })
  expect(smallest.story.steps).toEqual([])
  expect(sqlOf(smallest, 'source').length).toBeLessThan(sqlOf(drawn, 'source').length / 3)
})

test('whole databases are compared as multisets of rows', () => {
  const line = (text: string): Line => ({ schema: 's', table: 't', owner: 'a', mark: 'a/1', text })
  expect(differences([line('1'), line('2')], [line('2'), line('1')])).toEqual([])
  expect(differences([line('1'), line('1')], [line('1')])).toEqual(['missing: t 1'])
  expect(differences([line('1')], [line('2')])).toEqual(['missing: t 1', 'unexpected: t 2'])
})

test.each([
  [['--minutes', 'two'], '--minutes is a number'],
  [['--minutes', '0'], '--minutes is more than 0'],
  [['--seed', '-1'], /--seed/],
  [['--case', '1.5'], '--case is a whole number'],
])('wrong arguments %j are refused in one line', (args, message) => {
  expect(() => readOptions(args)).toThrow(message)
})
