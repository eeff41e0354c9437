// Attempts whose connections are lost at a remote call. Their code ends by itself: it does not wait
// for its lease, which in these stories lasts longer than any test.
import { expect } from 'vitest'
import type { Outcome } from '../../../src/worker/attempt.ts'
import type { CallPoint } from '../moments/call-points.ts'
import { type Choose, listen } from './deaths.ts'
import { eachAtOnce, finishAll, openScene, type Scene } from './scene.ts'
import type { Asked, Story } from './stories.ts'

const wanted = process.env.LOSE_AT ?? ''
const endsWithinMs = 60_000

/** One tenant's attempt loses all its connections at each chosen place. Returns the places. */
export async function loseConnections(story: Story, choose: Choose): Promise<string[]> {
  await using scene = await openScene(story)
  const heard = choose(await listen(scene)).map(({ place }) => place)
  const places = [...new Set(heard)].filter((place) => place.includes(wanted))
  const moves = await scene.arrange(places.map((_, i) => `tenant ${i}`))
  const waiting: string[] = []
  await eachAtOnce(moves, async (move) => {
    const place = places[moves.indexOf(move)] ?? ''
    if ((await loseAt(scene, move, place)) === 'waits') waiting.push(place)
  })
  expect(waiting).toEqual([])
  await finishAll(scene, moves)
  await scene.expectBystander()
  return places
}

async function loseAt(scene: Scene, move: Asked, place: string): Promise<Outcome | 'waits' | null> {
  let lost = false
  const life = scene.lifeOf(move.tenant, (point: CallPoint) => {
    if (point.place === place && !lost) {
      lost = true
      life.breakConnections()
    }
    return 'goes on'
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'waits'>((resolve) => {
    timer = setTimeout(resolve, endsWithinMs, 'waits')
  })
  const ended = scene.attempts.live(life, move.id)
  return await Promise.race([ended, late]).finally(() => clearTimeout(timer))
}
