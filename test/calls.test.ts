import { expect, test } from 'vitest'
import { withoutValues } from '../src/calls.ts'
import { ident, literal } from '../src/quote.ts'

const values = [
  'acme',
  '',
  "it's",
  "''",
  '\\',
  "\\'",
  'a -- b',
  '"',
  "E'",
  'two\nlines',
  '$1',
  'é…',
]

test.each(values)('the published text has no literal of %j, and all that is around it', (value) => {
  const text = `select ${ident("a'b")} from t where x = ${literal(value)}::text and y = $1`
  expect(withoutValues(text).replace(/= +/, '= ')).toBe(
    `select "a'b" from t where x = '…'::text and y = $1`.replace(/= +/, '= '),
  )
})

test('each literal of several statements goes, and names and comments stay', () => {
  const text = `begin; set local x = 'a'; -- don't
    select array['b', E'c\\'d'], "it's" from "t""u" where e'f' = 'g''h'; commit`
  expect(withoutValues(text)).toBe(`begin; set local x = '…'; -- don't
    select array['…', '…'], "it's" from "t""u" where '…' = '…'; commit`)
})

test('a text that ends within a literal shows nothing of its value', () => {
  expect(withoutValues(`select 'acme`)).not.toContain('acme')
})
