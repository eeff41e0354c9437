// Stories whose plans keep a directory at both ends and a router: both have to know the home of
// every tenant when its errand is over, wherever attempts have died.
import { expect } from 'vitest'
import { type Story, stories } from '../attempts/stories.ts'
import { also, createRouter, directory, shardsAt } from './directory.ts'

const { move, onlineMove, rollback, rollbackWithWrites } = stories

export function directoryStories(): readonly Story[] {
  return [move, onlineMove, rollback, rollbackWithWrites].map((story) => ({
    ...story,
    name: `${story.name} with a directory`,
    ...withDirectory(story),
  }))
}

function withDirectory(story: Story): Pick<Story, 'plan' | 'both' | 'expectMore'> {
  const router = createRouter()
  const cutover = { also, at: 'both', onMoved: router.onMoved } as const
  return {
    plan: { ...story.plan, cutover },
    both: directory,
    async expectMore(world, tenants) {
      const shard = story.home === 'target' ? 1 : 0
      const homes = tenants.map((tenant) => [tenant, shard]).toSorted()
      for (const end of ['source', 'target'] as const) {
        const shards = await shardsAt(world, end)
        expect(shards.filter(([tenant]) => tenants.includes(String(tenant))).toSorted()).toEqual(
          homes,
        )
      }
      const told = tenants.map((tenant) => [tenant, router.homeOf(tenant)])
      expect(told).toEqual(tenants.map((tenant) => [tenant, story.home]))
    },
  }
}
