// A tenant of the small world at its new home, and how it comes back from there.
import { expect } from 'vitest'
import { audit } from '../../src/coordinator/ask-errands.ts'
import { eventually } from './eventually.ts'
import { type Ended, moveOf } from './runs.ts'
import type { World } from './world.ts'

export const onlinePlan = {
  strategy: 'online',
  pause: { budgetMs: 60_000 },
  fence: { leaseMs: 15_000, drainMs: 2_000 },
} as const

/** For the target: each end gives its notes ids of its own. */
export const ownIds = 'alter table notes alter column id restart with 1000000'

/** `$` stands for the tenant. */
export async function writeThere(
  world: World,
  tenant: string,
  statements: readonly string[],
): Promise<void> {
  for (const statement of statements) {
    await world.target.pool.query(statement.replaceAll('$', `'${tenant}'`))
  }
}

/** Asks for a rollback. Returns the phase in which it ended, and why it did not end well. */
export async function back(world: World, run: string, tenant: string): Promise<string> {
  await world.rehome.rollback(run, { tenants: [tenant] })
  for await (const { done } of world.rehome.watch(run, { everyMs: 60 })) if (done) break
  const move = await moveOf(world, run, tenant)
  return move.error_code ? `${move.phase} ${move.error_code}: ${move.error_message}` : move.phase
}

/** Asks for an audit, as the plan does from time to time. Returns the move when it is over. */
export async function audited(world: World, run: string, tenant: string): Promise<Ended> {
  const { control, queues } = world.rehome
  const moved = await moveOf(world, run, tenant)
  await audit({ control, queues }, [moved], 'tester')
  return await eventually(
    async () => {
      const move = await moveOf(world, run, tenant)
      expect(move.open).toBe(false)
      return move
    },
    { withinMs: 60_000 },
  )
}
