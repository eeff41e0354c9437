// Which of a plan's tenants are enqueued, where the plan lists some that the source does not have.
import { expect, test } from 'vitest'
import { createWorld } from '../helpers/world.ts'

test('a tenant that is not at the source blocks the whole plan, and no other tenant', async () => {
  await using world = await createWorld({ plan: { tenants: ['acme', 'gone'] } })
  await world.addTenant('acme', 1)
  const ask = (tenants?: string[]) => world.rehome.enqueue(world.plan(), { tenants, dryRun: true })
  await expect(ask()).rejects.toMatchObject({ code: 'TENANT_UNKNOWN' })
  await expect(ask(['gone'])).rejects.toThrow('the source has no row of tenant "gone"')
  await expect(ask(['other'])).rejects.toMatchObject({ code: 'TENANT_UNKNOWN' })
  expect((await ask(['acme'])).tenants).toEqual(['acme'])
})
