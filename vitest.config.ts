/**
 * How the tests run. The suffix of a file says what its tests need, and when they run:
 * `*.test.ts` needs no server, `*.pg.test.ts` needs the PostgreSQL and the Redis that
 * global-setup.ts starts, `*.all.test.ts` is exhaustive and runs with `npm run test:all` only.
 */
import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url))

export const common = {
  // `await using` is newer than the oldest Node.js that the tests run on.
  oxc: { target: 'es2023' as const },
  resolve: {
    alias: {
      'rehome/client': path('./src/client/index.ts'),
      'rehome/http-end': path('./src/http-end/entry.ts'),
      'rehome/testing': path('./src/testing/round-trip.ts'),
      rehome: path('./src/index.ts'),
    },
  },
}

// Files share the modules that are loaded already: the product keeps no state of a test, and
// to load them anew for each file would be a tenth of all the time.
export const limits = {
  isolate: false,
  testTimeout: 60_000,
  hookTimeout: 120_000,
  teardownTimeout: 30_000,
}
const withServers = ['test/**/*.pg.test.ts', 'test/**/*.all.test.ts']

export default defineConfig({
  test: {
    // One more than cores, as tests also wait.
    maxWorkers: 3,
    reporters: ['default', './test/helpers/tidy/slow-files.ts'],
    projects: [
      {
        ...common,
        test: {
          ...limits,
          name: 'no servers',
          pool: 'forks',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...withServers],
        },
      },
      {
        ...common,
        test: {
          ...limits,
          name: 'servers',
          pool: 'forks',
          include: withServers,
          globalSetup: ['test/helpers/global-setup.ts'],
        },
      },
    ],
  },
})
