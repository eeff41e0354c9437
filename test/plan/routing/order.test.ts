// Parents come before their children, in any graph of references.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parentsFirst } from '../../../src/plan/routing/order.ts'
import { tableOf } from '../../helpers/catalog.ts'

/** `{ lines: ['notes'] }`: lines refer to notes. */
function orderOf(parents: Record<string, readonly string[]>) {
  return parentsFirst(
    Object.entries(parents).map(([name, others]) => {
      const foreignKeys = others.map((other) => `${other}_id -> ${other} (id)`)
      return tableOf(name, { columns: { id: 'int8 key' }, foreignKeys })
    }),
  )
}

describe('the order of tables', () => {
  test('is the given one where nothing refers to anything', () => {
    expect(orderOf({ c: [], a: [], b: [] })).toMatchObject({ names: ['c', 'a', 'b'], cycle: [] })
  })

  test('puts parents first, over several levels', () => {
    expect(
      orderOf({ lines: ['notes'], notes: ['tenants', 'users'], users: ['tenants'], tenants: [] }),
    ).toMatchObject({ names: ['tenants', 'users', 'notes', 'lines'], cycle: [] })
  })

  test('does not mind tables that refer to themselves, or to tables that do not go along', () => {
    expect(orderOf({ notes: ['notes', 'countries'] })).toMatchObject({
      names: ['notes'],
      cycle: [],
    })
  })

  test('names the tables of a circle, and no others', () => {
    const { names, cycle } = orderOf({ child: ['a'], a: ['b'], b: ['c'], c: ['a', 'top'], top: [] })
    expect(cycle).toEqual(['a', 'b', 'c'])
    expect(names).toEqual(['top', 'a', 'b', 'c', 'child'])
  })

  test('does not take what stands between two circles for a part of either', () => {
    const between = orderOf({ e: ['d'], d: ['e', 'c'], c: ['a'], a: ['b'], b: ['a'] })
    expect(between).toMatchObject({ names: ['a', 'b', 'c', 'e', 'd'], cycle: ['a', 'b', 'e', 'd'] })
  })

  test('holds every table once and breaks no rule that can be kept', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const some = fc.uniqueArray(fc.constantFrom(...names))
    const graph = fc.record(Object.fromEntries(names.map((name) => [name, some])))
    fc.assert(
      fc.property(graph, (parents) => {
        const order = orderOf(parents)
        expect([...order.names].sort()).toEqual(names)
        for (const [child, others] of Object.entries(parents)) {
          for (const parent of others) {
            const together = order.cycle.includes(child) && order.cycle.includes(parent)
            if (child === parent || together) continue
            expect(order.names.indexOf(parent)).toBeLessThan(order.names.indexOf(child))
          }
        }
      }),
    )
  })
})
