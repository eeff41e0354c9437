// The rules of plain English find what hides who acts, and let the rest through.
import { describe, expect, test } from 'vitest'
import {
  privateTitles,
  privateWords,
  vagueComments,
  vagueSubjects,
} from '../helpers/tidy/english.ts'
import { foundBy, type Rule } from '../helpers/tidy/house.ts'

const planted = (rule: Rule, path: string, text: string) => foundBy(rule, { [path]: text })

describe('words that hide who acts', () => {
  test.each([
    ['src/plan/new.ts', '// Whoever asks', 'whoever'],
    ['src/plan/new.ts', `const message = 'nobody could'`, 'nobody'],
    ['src/plan/new.ts', '/** It ought to end. */', 'ought'],
    ['jobs/new.ts', '// The worker was told to stop', 'was told'],
    ['chaos/new.ts', '/** Nobody waits. */', 'nobody'],
    ['test/new.ts', '// Nobody waits.', 'nobody'],
    ['docs/new.md', 'A page goes\nby the key.', 'goes by'],
    ['docs/new.md', 'Pages go by keys.', 'go by'],
    ['README.md', 'It is not there any more.', 'any more'],
    ['src/plan/new.ts', '/**\n * Rows that hang\n * on others.\n */', 'hang on'],
    ['migrations/control/new.sql', '-- Such as have gone', 'such as have'],
    ['migrations/control/new.sql', '-- until others\n-- have ended', 'others have'],
  ])('are found in %s: %j', (path, text, words) => {
    const faults = planted(privateWords, path, text)
    expect(faults).toEqual([expect.stringMatching(`^${path}:\\d says "${words}"$`)])
  })

  test('are found in titles, also in those of a table', () => {
    const titles = [
      `describe('a key that nobody knows', () => {})`,
      `test.each([['that is told at once', 1]])('%s', () => {})`,
      `test.skipIf(a)('goes by its name', () => {})`,
      `withoutApi('lets nobody in', () => {})`,
    ].join('\n')
    expect(planted(privateTitles, 'test/plan/new.test.ts', titles)).toEqual([
      'test/plan/new.test.ts:1 says "nobody"',
      'test/plan/new.test.ts:2 says "is told"',
      'test/plan/new.test.ts:3 says "goes by"',
      'test/plan/new.test.ts:4 says "nobody"',
    ])
  })

  test('are let through in values, and where they mean something else', () => {
    const title = `test('a user that does not exist', () => { connect('nobody here') })`
    expect(planted(privateTitles, 'test/plan/new.test.ts', title)).toEqual([])
    expect(planted(privateWords, 'docs/new.md', 'Rows are told apart by their key.')).toEqual([])
    expect(planted(privateWords, 'test/new.ts', `const tenant = 'nobody else'`)).toEqual([])
  })
})

describe('a doc comment', () => {
  test.each(['Of', 'As', 'With', 'By', 'Who', 'Whose', 'What', 'The same'])(
    'that begins with %s is found',
    (word) => {
      const fault = `has a comment that begins "${word}"`
      const short = `\n/** ${word} rows that come. */\nconst a = 1`
      expect(planted(vagueComments, 'src/plan/new.ts', short)).toEqual([
        `src/plan/new.ts:2 ${fault}`,
      ])
      const long = `/**\n * ${word} rows that\n * come.\n */\nconst a = 1`
      expect(planted(vagueComments, 'src/plan/new.ts', long)).toEqual([
        `src/plan/new.ts:1 ${fault}`,
      ])
    },
  )

  test('that begins with a noun or a verb is let through', () => {
    const text = '/** Offers of rows. */\n/** Whoops. */\n// As before'
    expect(planted(vagueComments, 'src/plan/new.ts', text)).toEqual([])
  })
})

test('a subject of a commit without an area, or that is a sentence, is found', () => {
  const wrong = [
    'Let people think',
    'fix it',
    'test: Add think time',
    'test: add think time.',
    'test:',
  ]
  expect(vagueSubjects(wrong)).toEqual(wrong)
  expect(vagueSubjects(['test: add think time', 'http-end: say `feed`'])).toEqual([])
})
