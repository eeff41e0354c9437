// What becomes of each column, key and row on the way back, where an end is asked over HTTP.
import type { MixedStory } from '../../helpers/http/http-mixes.ts'
import { createHttpWorld } from '../../helpers/http-world.ts'
import { waysBack } from '../../helpers/moves/ways-back.ts'

export const waysBackStories: Readonly<Record<string, MixedStory>> = Object.fromEntries(
  Object.entries(waysBack).map(([title, story]): [string, MixedStory] => [
    title,
    (over) => story((options) => createHttpWorld({ ...options, over })),
  ]),
)
