// Each call of the command line that a page of the documentation shows is one that exists.
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { knownOf } from '../../src/cli/completion.ts'
import { createProgram } from '../../src/cli/main.ts'
import { callsOf } from '../helpers/tidy/page-commands.ts'

const known = knownOf(createProgram({ startWorker: () => Promise.reject(new Error('unused')) }))

/** Options behind `--` and of other programs in a pipe are not ours. */
function mistakesIn(call: string): string[] {
  const [, ...words] = (call.split(/ \| | -- | && |[<>);]/)[0] ?? '').trim().split(' ')
  const of = (path: readonly string[]) => known.find((one) => one.path.join(' ') === path.join(' '))
  const command = of(words.slice(0, 2)) ?? of(words.slice(0, 1))
  if (!command) return [`${call}: no such command`]
  const own = [...command.options, ...(of([])?.options ?? [])].flatMap(({ names }) => names)
  return words
    .flatMap((word) => /^-[\w-]*/.exec(word)?.[0] ?? [])
    .filter((option) => option !== '-' && !own.includes(option))
    .map((option) => `${call}: no option ${option}`)
}

test('commands and options on the pages exist', async () => {
  const folders = ['docs', 'docs/monitoring', '.']
  const files = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(folder)).filter((name) => name.endsWith('.md')).map((n) => `${folder}/${n}`),
    ),
  )
  const calls = await Promise.all(
    files.flat().map(async (file) => callsOf(await readFile(file, 'utf8'))),
  )
  expect(calls.flat().length).toBeGreaterThan(150)
  expect(calls.flat().flatMap(mistakesIn)).toEqual([])
})

test('a command or an option that does not exist is found', () => {
  expect(mistakesIn('rehome frobnicate RUN')).toEqual(['rehome frobnicate RUN: no such command'])
  expect(mistakesIn('rehome retry RUN --tenants - --every=1')).toEqual([
    'rehome retry RUN --tenants - --every=1: no option --every',
  ])
  expect(mistakesIn('rehome schema expand PLAN --dry-run | cat --number')).toEqual([])
})
