// Stories that hold with whichever ends are over HTTP. The default tier tells half of them, each
// with one mix of ends; the exhaustive tier tells all with one of the two others, and with the last
// one at the next commit.
import { type EndName, mixes } from '../http-world.ts'
import { isInPart, rotation, takesAll } from '../rotation.ts'

/** Takes which ends are over HTTP. */
export type MixedStory = (over: readonly EndName[]) => Promise<void>
type Told = [title: string, ends: string, run: () => Promise<void>]

/** For test.each: title, ends and story, each with one mix; every other story with each commit. */
export function withOneMix(stories: Readonly<Record<string, MixedStory>>): Told[] {
  const all = takesAll() || Object.keys(stories).length === 1
  return told(stories, (story, mix) => story % mixes.length === mix && (all || isInPart(story, 2)))
}

/** Each story with one of the mixes that `withOneMix` leaves out, by turns. */
export function withAnotherMix(stories: Readonly<Record<string, MixedStory>>): Told[] {
  return told(stories, (story, mix) => {
    const turn = 1 + ((story + rotation()) % (mixes.length - 1))
    return (story + turn) % mixes.length === mix
  })
}

function told(
  stories: Readonly<Record<string, MixedStory>>,
  takes: (story: number, mix: number) => boolean,
): Told[] {
  return Object.entries(stories).flatMap(([title, story], i) =>
    mixes.flatMap(([ends, over], mix): Told[] =>
      takes(i, mix) ? [[title, ends, () => story(over)]] : [],
    ),
  )
}
