// The tests of one story in which workers die at all of its calls.
import { expect, test } from 'vitest'
import { changes, dieAlone, dieEverywhere } from './deaths.ts'
import type { Story } from './stories.ts'

const timeout = 1_800_000

export function diesAnywhere(story: Story): void {
  test('a death after any change is followed by one that ends it', { timeout }, async () => {
    tell(story, 'alone', await dieAlone(story, changes))
  })

  test('deaths at all calls are followed by one that ends it', { timeout }, async () => {
    tell(story, 'in a row', await dieEverywhere(story))
  })
}

function tell({ name }: Story, how: string, places: readonly string[]): void {
  process.stderr.write(`died in ${name}, ${how}: ${places.length} places\n`)
  if (!process.env.DIE_AT) expect(places.length).toBeGreaterThan(3)
}
