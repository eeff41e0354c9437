// Deaths at the remote calls of a story: each place alone, for a tenant of its own, or one after
// the other. The places are not listed but heard: a new call is a new place.
import { expect } from 'vitest'
import { type CallPoint, changesNothing, phaseOf } from '../moments/call-points.ts'
import { indexOfName, isInPart, oneOf } from '../rotation.ts'
import { eachAtOnce, finishAll, lapse, openScene, type Scene } from './scene.ts'
import type { Asked, Story } from './stories.ts'

/** A filter: only places that have this in their names are tried. */
const wanted = process.env.DIE_AT ?? ''

export type Choose = (points: readonly CallPoint[]) => readonly CallPoint[]

/** Before the first call, and after each that may have changed something. */
const changes: Choose = (points) =>
  points.filter((point, i) => i === 0 || (point.moment === 'after' && !changesNothing(point)))

/**
 * One of them in each phase, another one with each rotation; in a phase that only reads, of all.
 */
export const onePerPhase: Choose = (points) => {
  const phases = [...new Set(points.map(({ place }) => phaseOf(place)))]
  return phases.flatMap((phase) => {
    const inPhase = points.filter(({ place }) => phaseOf(place) === phase)
    // How often something is said may differ from one tenant to the next; that it is said does not.
    const changing = changes(points).filter((p) => inPhase.includes(p) && / 1 of /.test(p.place))
    return oneOf(changing.length > 0 ? changing : inPhase)
  })
}

/** Places in three of the phases, others with each rotation. */
export const inThreePhases: Choose = (points) => {
  const places = onePerPhase(points)
  return [0, 1, 2].flatMap((i) => oneOf(places, Math.floor((i * places.length) / 3)))
}

/** Successive rotations in which `changesInPart` takes every change. */
const changesParts = 4

/** One part of `changes`, another one with each rotation. */
export const changesInPart: Choose = (points) =>
  changes(points).filter(({ place }) => wanted || isInPart(indexOfName(place), changesParts))

/** The number of rotations that take each place once, before calls and after them. */
const placesParts = 4

/**
 * Whether a place is in the part of this rotation. Nothing is sent between the answer to a call and
 * the next call, so that to die there is the same: one rotation takes places before calls, and the
 * next one those after them.
 */
export function isPlaceInPart({ place, moment }: CallPoint): boolean {
  const call = indexOfName(place.slice(moment.length))
  return isInPart(2 * call + (moment === 'before' ? 0 : 1), 2 * placesParts)
}

/**
 * One tenant dies at each of the chosen places. Half of the fences outlive that and are taken over
 * by the next attempt; the others lapse, and somebody writes before it comes. Returns the places.
 */
export async function dieAlone(story: Story, choose: Choose): Promise<string[]> {
  await using scene = await openScene(story)
  const places = choose(await listen(scene))
    .map(({ place }) => place)
    .filter((place) => place.includes(wanted))
  if (places.length === 0) return []
  const moves = await scene.arrange(places.map((_, i) => `tenant ${i}`))
  const missed: string[] = []
  await eachAtOnce(moves, async (move) => {
    const place = places[moves.indexOf(move)] ?? ''
    if (!(await diesAt(scene, move, place))) missed.push(place)
  })
  for (const place of missed) process.stderr.write(`nobody came to: ${place}\n`)
  // What a slow moment has made the first one say, others may never come to.
  expect(missed.length, missed.join('\n')).toBeLessThanOrEqual(Math.ceil(places.length / 10))
  await lapse(
    scene,
    moves.filter((_, i) => i % 2 === 1).map(({ tenant }) => tenant),
  )
  await finishAll(scene, moves)
  await scene.expectBystander()
  return places.filter((place) => !missed.includes(place))
}

/** false: the errand ended without coming there. */
async function diesAt(scene: Scene, move: Asked, place: string): Promise<boolean> {
  const fateAt = (point: CallPoint) => (point.place === place ? 'dies' : 'goes on')
  for (;;) {
    const life = scene.lifeOf(move.tenant, fateAt)
    const outcome = await scene.attempts.live(life, move.id)
    if (life.dead) return true
    // Tenants may come in each other's way, and are tried again.
    if (outcome?.kind !== 'failed' || !outcome.again) return false
  }
}

/** The points of undisturbed attempts to which two tenants have come, one after the other. */
export async function listen(scene: Scene): Promise<CallPoint[]> {
  const moves = await scene.arrange(['first', 'second'])
  const heard: CallPoint[][] = []
  for (const { tenant, id } of moves) {
    const points: CallPoint[] = []
    const hear = (point: CallPoint) => {
      points.push(point)
      return 'goes on' as const
    }
    await scene.attempts.live(scene.lifeOf(tenant, hear), id)
    heard.push(points)
  }
  await finishAll(scene, moves)
  const [first = [], second = []] = heard
  const places = new Set(first.map(({ place }) => place))
  return second.filter(({ place }) => places.has(place))
}

/**
 * Attempts die at the first place of this rotation where none has died yet, and others go on from
 * there, until a tenant gets through without coming to such a place. Returns the places.
 */
export async function dieInARow(story: Story): Promise<string[]> {
  await using scene = await openScene(story)
  const died = new Set<string>()
  let tenants = 0
  const goThrough = async () => {
    let before: number
    do {
      before = died.size
      const [move] = await scene.arrange([`tenant ${tenants++}`])
      if (move) await dieAgainAndAgain(scene, move, died)
    } while (died.size > before)
  }
  await eachAtOnce(['a', 'b', 'c', 'd'], goThrough)
  await scene.expectBystander()
  return [...died]
}

async function dieAgainAndAgain(scene: Scene, move: Asked, died: Set<string>): Promise<void> {
  const dies = (point: CallPoint) => {
    const { place } = point
    const isChosen = wanted ? place.includes(wanted) : isPlaceInPart(point)
    if (died.has(place) || !isChosen) return 'goes on'
    died.add(place)
    return 'dies'
  }
  for (let deaths = 0; ; deaths += 1) {
    const life = scene.lifeOf(move.tenant, dies)
    await scene.attempts.live(life, move.id)
    if (!life.dead) break
    if (deaths % 3 === 2) await lapse(scene, [move.tenant])
  }
  await finishAll(scene, [move])
}
