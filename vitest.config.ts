// How the tests run: against one PostgreSQL and one Redis that global-setup.ts starts.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // `await using` is newer than the oldest Node.js that the tests run on.
  oxc: { target: 'es2023' },
  resolve: {
    alias: {
      'rehome/client': fileURLToPath(new URL('./src/client/index.ts', import.meta.url)),
      'rehome/http-end': fileURLToPath(new URL('./src/http-end/index.ts', import.meta.url)),
      'rehome/testing': fileURLToPath(new URL('./src/testing/index.ts', import.meta.url)),
      rehome: fileURLToPath(new URL('./src/index.ts', import.meta.url)),
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/helpers/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
})
