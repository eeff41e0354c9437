// The rules of pages find lines that are too wide, and files that were renamed.
import { expect, test } from 'vitest'
import { foundBy, type Rule } from '../helpers/tidy/house.ts'
import { deadPaths, wideLines } from '../helpers/tidy/pages.ts'

const planted = (rule: Rule, path: string, text: string) => foundBy(rule, { [path]: text })

test('a line of docs with more than 120 characters is found, in tables and code, too', () => {
  const text = `${'x'.repeat(120)}\n| ${'ä'.repeat(119)} |\n`
  expect(planted(wideLines, 'docs/new.md', text)).toEqual(['docs/new.md:2 has 123 characters'])
})

test('a page that names a file which does not exist is found', () => {
  const text = '`src/moved.ts` and `test/tidy/*.tsx`,\n`ends/gone.ts`, [so](gone.md#so)'
  expect(planted(deadPaths, 'docs/new.md', text)).toEqual([
    'docs/new.md:1 names src/moved.ts, which does not exist',
    'docs/new.md:1 names test/tidy/*.tsx, which does not exist',
    'docs/new.md:2 names ends/gone.ts, which does not exist',
    'docs/new.md:2 names docs/gone.md, which does not exist',
  ])
})

test('a page may name a folder, a beginning, a pattern, and a file below src', () => {
  const text = '`src/stages/`, `test/tidy`, `test/http/*.test.ts`, `ends/flags.ts`, [so](plan.md)'
  expect(planted(deadPaths, 'docs/new.md', text)).toEqual([])
})
