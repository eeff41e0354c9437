// Workers that stand still at a remote call, and wake up when another has finished their errand
// and the tenant has gone on writing: they change nothing.
import { expect } from 'vitest'
import type { Outcome } from '../../../src/worker/attempt.ts'
import type { CallPoint } from '../moments/call-points.ts'
import { deferred } from '../moments/deferred.ts'
import { type Choose, isPlaceInPart, listen } from './deaths.ts'
import type { Life } from './life.ts'
import { eachAtOnce, expectOneHome, expectPhase, openScene, type Scene } from './scene.ts'
import { everythingOfEach } from './states.ts'
import type { Asked, Story } from './stories.ts'

const wanted = process.env.STAND_AT ?? ''
const standingMax = 5

interface Standing {
  readonly life: Life
  readonly ended: Promise<Outcome | null>
}

/** One tenant's attempt stands still at each of the chosen places. Returns the places. */
export async function standAlone(story: Story, choose: Choose): Promise<string[]> {
  await using scene = await openScene(story)
  const places = choose(await listen(scene)).map(({ place }) => place)
  const moves = await scene.arrange(places.map((_, i) => `tenant ${i}`))
  const missed: string[] = []
  await eachAtOnce(moves, async (move) => {
    const place = places[moves.indexOf(move)] ?? ''
    const standing = await standAt(scene, move, (point) => point.place === place)
    if (standing) await wakeAfterAll(scene, move, [standing])
    else missed.push(place)
  })
  expect(missed.length, missed.join('\n')).toBeLessThanOrEqual(Math.ceil(places.length / 10))
  await scene.expectBystander()
  return places.filter((place) => !missed.includes(place))
}

/**
 * Attempts stand still at the first place of this rotation where none has stood yet, some of them
 * one after the other for one tenant, until a tenant gets through without coming to such a place.
 * Returns the places.
 */
export async function standEverywhere(story: Story): Promise<string[]> {
  await using scene = await openScene(story)
  const stood = new Set<string>()
  let tenants = 0
  const stands = (point: CallPoint) => {
    const { place } = point
    const isChosen = wanted ? place.includes(wanted) : isPlaceInPart(point)
    if (stood.has(place) || !isChosen) return false
    stood.add(place)
    return true
  }
  const goThrough = async () => {
    for (;;) {
      const [move] = await scene.arrange([`tenant ${tenants++}`])
      if (!move) return
      const standing: Standing[] = []
      for (let i = 0; i < standingMax; i += 1) {
        const one = await standAt(scene, move, stands)
        if (!one) break
        standing.push(one)
      }
      if (standing.length === 0) return
      await wakeAfterAll(scene, move, standing)
    }
  }
  await eachAtOnce(['a', 'b', 'c', 'd'], goThrough)
  await scene.expectBystander()
  return [...stood]
}

/** null: its errand ended without its coming to such a place. */
async function standAt(
  scene: Scene,
  move: Asked,
  stands: (point: CallPoint) => boolean,
): Promise<Standing | null> {
  const stopped = deferred()
  let stood = false
  const life = scene.lifeOf(move.tenant, (point) => {
    if (!stands(point)) return 'goes on'
    stood = true
    stopped.resolve()
    return 'stands still'
  })
  const ended = scene.attempts.live(life, move.id)
  await Promise.race([stopped.promise, ended])
  return stood ? { life, ended } : null
}

async function wakeAfterAll(
  { world, story, attempts }: Scene,
  { id, tenant }: Asked,
  standing: readonly Standing[],
): Promise<void> {
  await attempts.finish(id)
  await expectPhase(world, [{ id, tenant }], story.phase)
  expect(await expectOneHome(world, tenant, { keeps: true })).toBe(story.home)
  const before = await everythingOfEach(world, [tenant])
  for (const { life } of standing) life.wake()
  for (const { ended } of standing) await ended.catch(() => {})
  expect(await everythingOfEach(world, [tenant])).toEqual(before)
}
