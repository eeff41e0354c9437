// A move that fences its tenant in vain is not tried again at once: the tenant can write for four
// times as long as it was kept from it, however short the plan's own backoff is.
import { expect, test } from 'vitest'
import { openAttempts } from '../helpers/attempts/attempts.ts'
import { Life } from '../helpers/attempts/life.ts'
import { createWorld } from '../helpers/world.ts'

const drainMs = 200

test('a tenant whose writers do not end rests for four times as long as it was fenced', async () => {
  const fence = { leaseMs: 3_000, drainMs }
  await using world = await createWorld({ plan: { attempts: 3, backoffMs: 1, fence } })
  await world.addTenant('acme')
  const writer = await world.source.pool.connect()
  await writer.query(`begin; update notes set body = 'open' where tenant_id = 'acme'`)
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const [move] = (await world.rehome.status(runId ?? '')).moves
  await using attempts = openAttempts(world)
  const outcome = await attempts.live(new Life(), move?.id ?? '')
  const error = expect.objectContaining({ code: 'DRAIN_TIMEOUT' })
  expect(outcome).toMatchObject({ kind: 'failed', again: true, error })
  const query = `select open, (extract(epoch from not_before - updated_at) * 1000)::float8 as rest
    from rehome_control.moves`
  const [stored] = (await world.control.pool.query(query)).rows
  expect(stored.open).toBe(true)
  expect(stored.rest).toBeGreaterThanOrEqual(4 * drainMs)
  writer.release(true)
})
