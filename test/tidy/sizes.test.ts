// The rules of size find what is too large, and nothing else.
import { describe, expect, test } from 'vitest'
import { foundBy, type Rule } from '../helpers/tidy/house.ts'
import {
  anyTypes,
  badParameters,
  longLines,
  oversizeFiles,
  oversizeFunctions,
  typeAssertions,
} from '../helpers/tidy/sizes.ts'

describe('sizes', () => {
  const planted = (rule: Rule, text: string) => foundBy(rule, { 'src/plan/new.ts': text })
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `  void ${i}`).join('\n')

  test('a file of more than 300 lines is found', () => {
    expect(planted(oversizeFiles, `${lines(301)}\n`)).toEqual(['src/plan/new.ts has 301 lines'])
    expect(planted(oversizeFiles, `${lines(300)}\n`)).toEqual([])
  })

  test.each([
    ['a function', (body: string) => `function a() {\n${body}\n}`],
    ['an arrow function', (body: string) => `const a = () => {\n${body}\n}`],
    ['a method', (body: string) => `const a = { b() {\n${body}\n} }`],
    ['a test', (body: string) => `test('a', () => {\n${body}\n})`],
  ])('%s of more than 60 lines is found', (_, wrap) => {
    expect(planted(oversizeFunctions, wrap(lines(59)))).toEqual([
      'src/plan/new.ts:1 is a function of 61 lines',
    ])
    expect(planted(oversizeFunctions, wrap(lines(58)))).toEqual([])
  })

  test('a suite is not a function, but what is in it is measured', () => {
    const suite = `describe('a', () => {\n${lines(70)}\n})`
    expect(planted(oversizeFunctions, suite)).toEqual([])
    const inner = `describe('a', () => {\n  test('b', () => {\n${lines(70)}\n})\n})`
    expect(planted(oversizeFunctions, inner)).toHaveLength(1)
  })

  const x = (count: number) => 'x'.repeat(count)

  test.each([
    ['code', `const ${x(90)} = 12345`],
    ['a comment', `// ${x(98)}`],
    ['a comment behind code', `const a = 1 // ${x(90)}`],
    ['a comment behind a text', `const a = '${x(20)}' // ${x(99)}`],
    ['code inside a template', `const a = \`a \${${x(95)}} b\``],
  ])('a line of more than 100 characters is found: %s', (_, text) => {
    expect(planted(longLines, text)).toEqual([`src/plan/new.ts:1 has ${text.length} characters`])
  })

  test.each([
    ['a line of 100', `// ${x(97)}`],
    ['characters outside the first plane', `// ${'🏠'.repeat(97)}`],
    ['a long text, which the formatter leaves alone', `const a = '${x(100)}'`],
    ['a long template', `const a = \`${x(50)}\${b}${x(50)}\``],
    ['a line of a template of several', `const a = \`\n${x(120)}\n\``],
    ['a long pattern', `const a = /${x(100)}/`],
  ])('a line is not too long: %s', (_, text) => {
    expect(planted(longLines, text)).toEqual([])
  })

  test.each([
    ['export function a(b: 1, c: 2, d: 3, e: 4) {}', 'a has 4 parameters'],
    ['export const a = (b: 1, c: 2, d: 3, e: 4) => {}', 'a has 4 parameters'],
    ['function a(b: 1, c: 2, d: 3, e: 4) {}\nexport { a }', 'a has 4 parameters'],
    ['export default function (b: 1, c: 2, d: 3, e: 4) {}', 'default has 4 parameters'],
    ['export class A { b(c: 1, d: 2, e: 3, f: 4) {} }', 'A.b has 4 parameters'],
    ['export function a(b: boolean) {}', 'a has a boolean parameter'],
    ['export function a(b?: boolean | undefined) {}', 'a has a boolean parameter'],
    ['export const a = async (b = true) => {}', 'a has a boolean parameter'],
    ['export function a(b: boolean = false) {}', 'a has a boolean parameter'],
  ])('parameters are found: %s', (text, fault) => {
    expect(planted(badParameters, text)).toEqual([`src/plan/new.ts:1 ${fault}`])
  })

  test.each([
    'export function a(b: 1, c: 2, d: 3) {}',
    'export function a({ b }: { b: boolean }) {}',
    'function a(b: 1, c: 2, d: 3, e: 4) {}',
    'export const a = (b: boolean[]) => (c: boolean) => c',
  ])('parameters are let through: %s', (text) => {
    expect(planted(badParameters, text)).toEqual([])
  })

  test('`any` is found as a type, and not as a word', () => {
    const text = 'const any = 1 // any\nconst a: any[] = [any, "any"]\n'
    expect(planted(anyTypes, text)).toEqual(['src/plan/new.ts:2 says any'])
  })

  test('assertions are found once there are too many, `as const` not among them', () => {
    const of = (count: number) => {
      const lines = Array.from({ length: count }, (_, i) => `const a${i} = b as never`)
      return new Map([['src/plan/new.ts', `const a = 1 as const\n${lines.join('\n')}\n`]])
    }
    expect(typeAssertions(of(40))).toEqual([])
    expect(typeAssertions(of(41)).at(-1)).toBe('src/plan/new.ts:42 asserts never')
  })
})
