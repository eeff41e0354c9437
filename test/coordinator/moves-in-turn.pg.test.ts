// A move that waits for its turn is not one that no worker touches.
import { expect, test } from 'vitest'
import { createWorld } from '../helpers/world.ts'

test('the doctor leaves queued moves alone while others of their plan are carried out', async () => {
  await using world = await createWorld()
  for (const tenant of ['beta', 'gamma']) await world.addTenant(tenant)
  await world.rehome.enqueue(world.plan())
  const set = async (tenant: string, phase: string, at: string) =>
    await world.control.pool.query(
      `update rehome_control.moves set phase = $2, updated_at = ${at}, not_before = ${at}
       where tenant_id = $1`,
      [tenant, phase],
    )
  const long = `now() - interval '1 h'`
  const messages = async () => {
    const findings = await world.rehome.diagnose([world.plan()], { oldS: 600 })
    return findings.filter(({ kind }) => kind === 'move-waits').map(({ message }) => message)
  }
  for (const tenant of ['beta', 'gamma']) await set(tenant, 'queued', long)
  expect(await messages()).toEqual([expect.stringMatching(/2 open moves.*"beta".*"gamma"/)])
  await set('gamma', 'copy', 'now()')
  expect(await messages()).toEqual([])
  // One that has begun has no turn to wait for.
  await set('beta', 'copy', long)
  expect(await messages()).toEqual([expect.stringContaining('1 open moves for 600 s: "beta"')])
})
