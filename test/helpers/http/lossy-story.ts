// Every kind of request, or of answer, is lost once on the way there and once on the way back.
import { expect } from 'vitest'
import { type Ended, expectHome, rowsAt, writeAt } from '../runs.ts'
import type { Trouble } from './http-trouble.ts'
import {
  attemptsFor,
  createLossy,
  inSixes,
  type Loss,
  type Lossy,
  moveAll,
  rollBackAll,
} from './lossy.ts'

export interface LossyStory extends Lossy {
  /** Operations that have to be among those that are lost. */
  readonly there: readonly string[]
  readonly back: readonly string[]
  /** Whether tenants write at their new home, and come back with that. */
  readonly writes: boolean
}

export async function loseEachKindOnce(trouble: Trouble, story: LossyStory): Promise<void> {
  const lossy = await createLossy(trouble, story)
  await using world = lossy.world
  const { asking, there, back } = await learn(lossy, story)
  expect(namesOf(there)).toEqual(expect.arrayContaining([...story.there]))
  expect(namesOf(back)).toEqual(expect.arrayContaining([...story.back]))

  const [losses, lossesBack] = [inSixes(there), inSixes(back)]
  const [tenants, returning] = [[...losses.keys()], [...lossesBack.keys()]]
  lossy.lose(new Map([['nobody', asking]]))
  const { runId, moves } = await moveAll(world, tenants, () => {
    expect(lossy.left()).toEqual([])
    lossy.lose(losses)
  })
  expectAll(moves, { tenants, phase: 'moved' })
  for (const [tenant, lost] of losses) {
    expect(moves.get(tenant)?.attempt).toBeLessThanOrEqual(attemptsFor(lost))
  }
  expect(lossy.left()).toEqual([])
  for (const tenant of tenants) {
    expect(await rowsAt(world, 'target', tenant)).toEqual(await rowsAt(world, 'source', tenant))
    // To find out where a tenant can write is to write there, which is for some to come back from.
    const stays = story.writes || !returning.includes(tenant)
    if (stays) await expectHome(world, tenant, 'target')
  }

  const homes = new Map<string, string[]>()
  for (const tenant of returning) {
    if (story.writes) await writeAt(world, 'target', tenant)
    homes.set(tenant, await rowsAt(world, 'target', tenant))
  }
  const begin = () => lossy.lose(lossesBack)
  const undone = await rollBackAll(world, { runId, tenants: returning, begin })
  expect(lossy.left()).toEqual([])
  expectAll(undone, { tenants: returning, phase: 'rolled_back' })
  for (const [tenant, lost] of lossesBack) {
    const used = Number(undone.get(tenant)?.attempt) - Number(moves.get(tenant)?.attempt)
    expect(used).toBeLessThanOrEqual(attemptsFor(lost))
  }
  for (const tenant of returning) {
    expect(await rowsAt(world, 'source', tenant)).toEqual(homes.get(tenant))
    await expectHome(world, tenant, 'source')
  }
}

function expectAll(
  moves: ReadonlyMap<string, Ended>,
  { tenants, phase }: { tenants: readonly string[]; phase: Ended['phase'] },
): void {
  const endings = tenants.map((tenant) => {
    const move = moves.get(tenant)
    return [tenant, move?.phase, move?.error_message]
  })
  expect(endings).toEqual(tenants.map((tenant) => [tenant, phase, null]))
}

/** Learns the requests of an enqueueing, a move, and a rollback. */
async function learn(
  lossy: Awaited<ReturnType<typeof createLossy>>,
  { writes }: LossyStory,
): Promise<Record<'asking' | 'there' | 'back', Loss[]>> {
  const { world, seen } = lossy
  let asking: Loss[] = []
  const first = await moveAll(world, ['first'], () => {
    asking = seen()
  })
  const there = seen()
  const begin = () => void seen()
  if (writes) await writeAt(world, 'target', 'first')
  await rollBackAll(world, { runId: first.runId, tenants: ['first'], begin })
  return { asking, there, back: seen() }
}

function namesOf(losses: readonly Loss[]): string[] {
  return losses.map(({ operation }) => operation)
}
