// A command that changes a schema dies, and another one goes on. Each commit takes other places of
// its life; all of them have their turn in deaths.all.test.ts.
import { expect, test } from 'vitest'
import { isInPart } from '../../../helpers/rotation.ts'
import { dieAtCalls } from '../../../helpers/schemas/schema-deaths.ts'

test('a command that dies is followed by one that ends it', { timeout: 60_000 }, async () => {
  expect(await dieAtCalls((call) => isInPart(call, 20))).toBeGreaterThan(60)
})
