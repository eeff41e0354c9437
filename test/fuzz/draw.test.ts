// What the fuzzer draws: the same for the same seed, and something to shrink.
import { expect, test } from 'vitest'
import type { Case } from '../../fuzz/case.ts'
import { sqlOf } from '../../fuzz/case-sql.ts'
import { drawCase } from '../../fuzz/draw-case.ts'
import { readOptions } from '../../fuzz/options.ts'
import { shrink } from '../../fuzz/shrink.ts'
import { differences, type Line } from '../../fuzz/whole.ts'

const numbers = Array.from({ length: 40 }, (_, i) => i)
const textOf = (kase: Case) => JSON.stringify(kase)

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
  const line = (text: string): Line => ({ table: 't', owner: 'a', mark: 'a/1', text })
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
