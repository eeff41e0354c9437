// Transactions lock few relations at once: tables count with their partitions and indexes.
import { expect, test } from 'vitest'
import { fewAtOnce, heavierOf } from '../../../src/ends/postgres/relations.ts'
import { tableOf } from '../../helpers/catalog.ts'

const tableWith = (name: string, partitions: number) => ({
  ...tableOf(name, { columns: { id: 'int8 key' } }),
  partitions: Array.from({ length: partitions }, (_, i) => `${name}_${i}`),
})
const namesOf = (lists: Iterable<{ name: string }[]>) =>
  [...lists].map((list) => list.map(({ name }) => name))

test('counts partitions and indexes, and leaves a heavy table alone', () => {
  const tables = [tableWith('a', 0), tableWith('b', 300), tableWith('c', 24), tableWith('d', 23)]
  expect(namesOf(fewAtOnce(tables, (table) => [table]))).toEqual([['a'], ['b'], ['c', 'd']])
})

test('counts tables that are looked at beside others, each once', () => {
  const [parent, other] = [tableWith('parent', 40), tableWith('other', 40)]
  const children = ['a', 'b', 'c'].map((name) => tableWith(name, 0))
  expect(namesOf(fewAtOnce(children, (table) => [table, parent]))).toEqual([['a', 'b', 'c']])
  const parentOf = (name: string) => (name === 'b' ? other : parent)
  const parted = fewAtOnce(children, (table) => [table, parentOf(table.name)])
  expect(namesOf(parted)).toEqual([['a'], ['b'], ['c']])
})

test('the heavier of two tables has more partitions', () => {
  const [light, heavy] = [tableWith('t', 1), tableWith('t', 2)]
  expect(heavierOf(light, heavy)).toBe(heavy)
  expect(heavierOf(heavy, light)).toBe(heavy)
})
