// The rules of plain English find what hides who acts, and let the rest through.
import { describe, expect, test } from 'vitest'
import {
  participleNames,
  privateTitles,
  privateWords,
  speakingThings,
  vagueComments,
  vagueSubjects,
} from '../helpers/tidy/english.ts'
import { foundBy, house, type Rule } from '../helpers/tidy/house.ts'

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

test.each([
  ['src/plan/new.ts', '// The plan says so', 'says'],
  ['migrations/control/new.sql', '-- a flag that said it', 'said'],
  ['docs/new.md', 'A page\nsays it.', 'says'],
])('a thing that speaks in %s is found: %j', (path, text, word) => {
  expect(planted(speakingThings, path, text)).toEqual([
    expect.stringMatching(`^${path}:\\d says "${word}"$`),
  ])
  expect(planted(speakingThings, 'test/plan/new.test.ts', text)).toEqual([])
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

test('a subject of a commit without a folder as its area, or that is a sentence, is found', () => {
  const wrong = [
    'Let people think',
    'fix it',
    'test: Add think time',
    'test: add think time.',
    'test:',
    'users: add think time',
  ]
  expect(vagueSubjects(wrong, house)).toEqual(wrong)
  const right = ['test: add think time', 'http-end: say `feed`', 'move-shard: tell the story']
  expect(vagueSubjects(right, house)).toEqual([])
})

describe('a name that is a participle without a noun', () => {
  const named = (text: string) => participleNames(new Map([['src/plan/new.ts', text]]))

  test.each([
    'const found = look()',
    'let told: string[] = []',
    'const [expected, found] = both()',
    'const { rows: given } = answer',
    'const { ended, ...said } = flag',
    'function a(asked: Options) {}',
    'const a = (asked = 1) => asked',
    'const a = { look(wanted: string) {} }',
    'for (const known of lists) {}',
    'answers.map((seen) => seen.rows)',
  ])('is found: %s', (text) => {
    expect(named(text)).toEqual([expect.stringMatching(/^src\/plan\/new.ts:1 calls a value "/)])
  })

  test.each([
    'const { found, known = 1 } = comparison',
    'const askedAt = now()',
    'interface Counts { readonly found: number }',
    'const a = { found: 1 }.found',
  ])('is let through: %s', (text) => {
    expect(named(text)).toEqual([])
  })
})
