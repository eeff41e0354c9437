// No file of this project has a token that a board would take: everybody knows it, and a page on
// another site could sign in with it.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createAccess } from '../../src/dashboard/access.ts'

const textOf = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const files = ['docker-compose.yml', '.env.example', 'Dockerfile', 'README.md', 'docs/board.md']
const other = ['docs/cli.md', 'docs/operations.md', 'CONTRIBUTING.md', 'docs/monitoring/README.md']

/** Values of the variables of tokens, with Docker's own default taken for them. */
function tokensIn(text: string): string[] {
  const named = /REHOME_BOARD_(?:[A-Z]+_)?TOKEN\}?[ \t]*[:=][ \t]*(\S*)/g
  return [...text.matchAll(named)].map(([, value = '']) => value.replace(/^\$\{\w+:-(.*)\}$/, '$1'))
}

test('docker compose and the example of an environment set no token', () => {
  for (const file of ['docker-compose.yml', '.env.example']) {
    const tokens = tokensIn(textOf(file))
    expect(tokens.length).toBeGreaterThan(1)
    expect(new Set(tokens)).toEqual(new Set(['']))
  }
})

test.each([...files, ...other])('a board takes no token that stands in %s', (file) => {
  for (const token of tokensIn(textOf(file))) {
    expect(() => createAccess({ host: '0.0.0.0', token }), token).toThrow()
  }
})

test('a board that compose starts without a token refuses to start', () => {
  const refused = expect.objectContaining({ code: 'SETTING_MISSING' })
  expect(() => createAccess({ host: '0.0.0.0', token: '', viewerToken: '' })).toThrow(refused)
})

test('the token that stood in an earlier compose file is refused by name', () => {
  const refused = expect.objectContaining({ code: 'USAGE' })
  for (const host of ['0.0.0.0', '127.0.0.1']) {
    const token = 'rehome-on-this-machine'
    expect(() => createAccess({ host, token })).toThrow(refused)
    expect(() => createAccess({ host, token: 'x'.repeat(24), viewerToken: token })).toThrow(refused)
  }
})

test('compose opens no port to other machines', () => {
  const ports = [...textOf('docker-compose.yml').matchAll(/^ +- (\S+:\d+)$/gm)].map(([, at]) => at)
  expect(ports.length).toBeGreaterThan(3)
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
})
