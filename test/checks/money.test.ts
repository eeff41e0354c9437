// Amounts of money are numbers without a point: they are the same where both ends put it alike.
import { expect, test } from 'vitest'
import { catalogOf } from '../helpers/catalog.ts'
import { findingsAt, noteTables } from '../helpers/plans/checks.ts'

const money = { kind: 'scalar', name: 'money', of: 'pg_catalog' } as const
const { columns: own = [] } =
  catalogOf({ notes: { ...noteTables.notes, price: 'money' } }).tables.get('notes') ?? {}
const columns = own.map((column) =>
  column.name === 'price' ? { ...column, shape: money } : column,
)

const digits = (source: number | undefined, target: number | undefined) =>
  findingsAt({
    source: { moneyDigits: source },
    target: { moneyDigits: target },
    sourceNotes: { columns },
    targetNotes: { columns },
  })

test('a point at another place is refused by the name of the column', () => {
  expect(digits(2, 0)).toEqual([
    expect.stringMatching(
      /^table "notes": column "price" is of type money, .* 2 digits .* source and 0 at the target: set `lc_monetary`/,
    ),
  ])
})

test.each([
  [2, 2],
  [undefined, 0],
  [2, undefined],
])('%s and %s digits are carried', (source, target) => {
  expect(digits(source, target)).toEqual([])
})
