/**
 * One project for each planted fault: its suite, over the product with that fault. `PLANTED` is a
 * part of the titles of those that run. Results go to the file that `PLANTED_RESULTS` names.
 */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import type { Reporter, TestModule } from 'vitest/node'
import { common, limits } from '../../vitest.config.ts'
import { type PlantedFault, planted, plantedFaults } from './planted.ts'

function plant(fault: PlantedFault): Plugin {
  const path = resolve('src', fault.file)
  return {
    name: 'planted-fault',
    enforce: 'pre',
    transform: (code, id) => (id.split('?')[0] === path ? planted(code, fault) : undefined),
  }
}

class Results implements Reporter {
  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    const tests = modules.flatMap(({ project, children }) =>
      [...children.allTests()].map((test) => {
        const { state, errors = [] } = test.result()
        return { fault: project.name, title: test.fullName, state, error: errors[0]?.message }
      }),
    )
    const file = process.env.PLANTED_RESULTS
    if (file) await writeFile(file, JSON.stringify(tests))
  }
}

const chosen = plantedFaults.filter(({ title }) => title.includes(process.env.PLANTED ?? ''))

export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: ['default', new Results()],
    globalSetup: ['test/helpers/global-setup.ts'],
    projects: chosen.map((fault) => ({
      ...common,
      plugins: [plant(fault)],
      test: {
        ...{ ...limits, name: fault.title, pool: 'forks', include: [fault.suite] },
        setupFiles: ['test/mutants/planted-tests.ts'],
        env: { PLANTED_TESTS: `^(${fault.tests.join('|')})` },
      },
    })),
  },
})
