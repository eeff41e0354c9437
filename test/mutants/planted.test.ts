// Planted faults are still where they were, so that planted.all.test.ts has something to find.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { planted, plantedFaults } from './planted.ts'

test.each(plantedFaults.map((fault) => [fault.title, fault] as const))('%s', async (_, fault) => {
  const code = await readFile(`src/${fault.file}`, 'utf8')
  expect(planted(code, fault)).not.toBe(code)
  expect(existsSync(fault.suite)).toBe(true)
})
