// A command that changes a schema dies at each of its remote calls, and another one goes on.
import { expect, test } from 'vitest'
import { dieAtCalls } from '../../../helpers/schemas/schema-deaths.ts'

test('a command that dies anywhere is followed by one that ends it', {
  timeout: 300_000,
}, async () => {
  expect(await dieAtCalls(() => true)).toBeGreaterThan(60)
})
