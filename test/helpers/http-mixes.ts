// Stories that hold with whichever ends are over HTTP. The default tier tells each with one mix of
// ends, in turn; the exhaustive tier with the two others.
import { type EndName, mixes } from './http-world.ts'

/** Takes which ends are over HTTP. */
export type MixedStory = (over: readonly EndName[]) => Promise<void>
type Told = [title: string, ends: string, run: () => Promise<void>]

/** For test.each: title, ends and story, each story with one mix. */
export function withOneMix(stories: Readonly<Record<string, MixedStory>>): Told[] {
  return told(stories, (story, mix) => story % mixes.length === mix)
}

/** The mixes that `withOneMix` leaves out. */
export function withOtherMixes(stories: Readonly<Record<string, MixedStory>>): Told[] {
  return told(stories, (story, mix) => story % mixes.length !== mix)
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
