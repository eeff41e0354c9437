// The pictures of the board in docs/ are those that the browser tests take, and all are shown.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

function namesIn(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name = '']) => name).toSorted()
}

test('docs show each picture that a test takes, and no other', () => {
  const files = readdirSync('test/dashboard', { recursive: true, encoding: 'utf8' })
  const tests = files.filter((file) => file.endsWith('.test.ts'))
  const code = tests.map((file) => readFileSync(`test/dashboard/${file}`, 'utf8')).join('\n')
  const taken = namesIn(code, /\bscreenshot\(page, '([\w-]+)'\)/g)
  expect(taken.length).toBeGreaterThan(10)
  const kept = readdirSync('docs/screenshots').map((file) => file.replace(/\.png$/, ''))
  expect(kept.toSorted()).toEqual(taken)
  const shown = namesIn(readFileSync('docs/board.md', 'utf8'), /\]\(screenshots\/([\w-]+)\.png\)/g)
  expect(shown).toEqual(taken)
})
