// The tests of one story in which workers die at its calls: at a part of them with each commit, at
// each of them, before and after, with eight successive ones. DIE_AT names places to be tried.
import { expect, test } from 'vitest'
import { changesInPart, dieAlone, dieInARow } from './deaths.ts'
import type { Story } from './stories.ts'

const timeout = 1_800_000

export function diesAnywhere(story: Story): void {
  test('a death after any change is followed by one that ends it', { timeout }, async () => {
    tell(story, 'alone', await dieAlone(story, changesInPart))
  })

  test('deaths at one call after another are followed by one that ends it', {
    timeout,
  }, async () => {
    tell(story, 'in a row', await dieInARow(story))
  })
}

function tell({ name }: Story, how: string, places: readonly string[]): void {
  process.stderr.write(`died in ${name}, ${how}: ${places.length} places\n`)
  if (!process.env.DIE_AT) expect(places.length).toBeGreaterThan(0)
}
