// Each planted fault is found by the suite that claims to: at least one of its tests fails. All run
// at once, in a process of their own: each suite over a product with one fault.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { plantedFaults } from './planted.ts'

interface Ended {
  readonly fault: string
  readonly title: string
  readonly state: string
  readonly error?: string
}

let all: readonly Ended[] = []

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rehome-planted-'))
  const file = join(directory, 'results.json')
  const program = 'node_modules/vitest/vitest.mjs'
  const args = [program, 'run', '--config', 'test/mutants/planted.config.ts', '--root', '.']
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))
  const env = { ...Object.fromEntries(others), PLANTED_RESULTS: file }
  const child = spawn(process.execPath, args, { env, stdio: 'ignore' })
  await once(child, 'close')
  all = JSON.parse(await readFile(file, 'utf8'))
  await rm(directory, { recursive: true })
}, 600_000)

test.each(plantedFaults.map(({ title }) => title))('%s', (title) => {
  const own = all.filter(({ fault, state }) => fault === title && state !== 'skipped')
  expect(own.length).toBeGreaterThan(0)
  expect(own.filter(({ state }) => state === 'failed')).not.toEqual([])
})
