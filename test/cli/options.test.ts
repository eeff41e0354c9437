// Options that each command has: what reads or acts answers as JSON, what writes can be tried out.
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { createProgram } from '../../src/cli/main.ts'
import * as rehome from '../../src/index.ts'

/** They go on until they are stopped, and log JSON; or they print a script. */
const withoutJson = ['worker', 'board', 'completion']

const readers = [
  ...['scaffold', 'check', 'lint', 'doctor', 'runs', 'status', 'logs', 'show', 'inspect', 'report'],
  ...['log', 'where', 'completion', 'worker', 'board'],
]

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
}

const commands = leaves(createProgram(rehome)).map((one) => {
  return [one.name(), one.options.map(({ long }) => long)] as const
})

test('there are as many commands as help tells of', () => {
  expect(commands.length).toBeGreaterThan(30)
  const names = commands.map(([name]) => name)
  expect([...withoutJson, ...readers].filter((name) => !names.includes(name))).toEqual([])
})

test('each command answers as JSON', () => {
  const without = commands.filter(([, options]) => !options.includes('--json'))
  expect(without.map(([name]) => name).toSorted()).toEqual(withoutJson.toSorted())
})

test('each command that writes can be tried out', () => {
  const without = commands.filter(([, options]) => !options.includes('--dry-run'))
  expect(without.map(([name]) => name).toSorted()).toEqual(readers.toSorted())
})
