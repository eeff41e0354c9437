// Completion scripts, run by the shells themselves where they are installed.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { knownOf } from '../../src/cli/completion.ts'
import { bashScript, fishScript, zshScript } from '../../src/cli/shell-scripts.ts'
import { rehome } from '../helpers/command.ts'

const has = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0
const run = (shell: string, ...args: readonly string[]) =>
  execFileSync(shell, args, { encoding: 'utf8' })
let folder = ''
const file = (name: string) => join(folder, name)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rehome-'))
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { out, code } = await rehome(['completion', shell])
    expect(code).toBe(0)
    writeFileSync(file(shell), out)
  }
})

afterAll(() => rmSync(folder, { recursive: true }))

/** The completions of the last word. */
function inBash(words: readonly string[], script = file('bash')): string[] {
  const code = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rehome
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const out = run('bash', '-c', code, script, ...words)
  return out.split('\n').filter(Boolean)
}

test('bash completes commands, the commands below one, options, and values', () => {
  expect(inBash(['rehome', 're'])).toEqual(
    expect.arrayContaining(['rehearse', 'repair', 'report', 'resume', 'retry', 'read-only']),
  )
  expect(inBash(['rehome', '--env-file', 'run', 'insp'])).toEqual(['inspect'])
  expect(inBash(['rehome', 'inspect', 'run', 'tenant', '--'])).toEqual(
    expect.arrayContaining(['--table', '--key', '--sample', '--reveal', '--json', '--help']),
  )
  expect(inBash(['rehome', 'completion', ''])).toEqual(['bash', 'zsh', 'fish'])
  expect(inBash(['rehome', 'report', 'run', '--out', 'x'])).toEqual([])
  expect(inBash(['rehome', 'lint', '--format', 'js'])).toEqual(['json'])
})

test('what a description contains is text for every shell', () => {
  const program = new Command('rehome')
  program.command('odd').description(`it's $(touch ${file('owned')}) \`x\` "y" [z] a:b`)
  const known = knownOf(program)
  writeFileSync(file('odd'), bashScript('rehome', known))
  expect(inBash(['rehome', 'o'], file('odd'))).toEqual(['odd'])
  expect(existsSync(file('owned'))).toBe(false)
  expect(zshScript('rehome', known)).toContain(`'odd:it'\\''s $(touch`)
  expect(fishScript('rehome', known)).toContain(`-d 'it'\\''s $(touch`)
})

const loadInZsh = () =>
  `autoload -U compinit; compinit -u -d ${file('dump')}; source ${file('zsh')}`

/** The screen of an interactive zsh after Tab, once it shows the text. */
function inZsh(line: string, until: string): string {
  const start = `${loadInZsh()}; echo rea""dy`
  const code = `zmodload zsh/zpty; zpty shell zsh -f -i
    zpty -w shell '${start}'; zpty -r -m shell out '*ready*'
    zpty -w -n shell '${line}'$'\t'; zpty -r -m shell out '*${until}*'
    print -r -- $out; zpty -d shell`
  const env = { ...process.env, TERM: 'xterm' }
  return execFileSync('zsh', ['-f', '-c', code], { encoding: 'utf8', timeout: 20_000, env })
}

test.skipIf(!has('zsh'))('zsh completes commands, the ones below, options, and values', () => {
  expect(run('zsh', '-f', '-c', `${loadInZsh()}; print $_comps[rehome]`)).toBe('_rehome\n')
  expect(inZsh('rehome insp', 'inspect')).toContain('rehome inspect')
  expect(inZsh('rehome --env-file x schema exp', 'expand')).toContain('schema expand')
  expect(inZsh('rehome completion f', 'fish')).toContain('rehome completion fish')
  expect(inZsh('rehome inspect run tenant --rev', 'reveal')).toContain('--reveal')
  expect(inZsh('rehome re', 'rehearse')).toContain('rehearse')
})

test.skipIf(!has('fish'))('fish completes commands and options', () => {
  const complete = (line: string) => {
    const code = `source ${file('fish')}; complete -C '${line}'`
    const out = run('fish', '--no-config', '-c', code)
    return out.split('\n').map((entry) => entry.split('\t')[0])
  }
  expect(complete('rehome insp')).toContain('inspect')
  expect(complete('rehome inspect --re')).toContain('--reveal')
  expect(complete('rehome schema exp')).toContain('expand')
  expect(complete('rehome completion ')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']))
  expect(complete('rehome inspect run --')).not.toContain('--percent')
})
