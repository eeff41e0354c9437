// A phase that begins while it is being stored ends with its attempt where it cannot be stored.
import { once } from 'node:events'
import { expect, test } from 'vitest'
import type { Shard } from '../../src/attempt/shard.ts'
import { openAttempts } from '../helpers/attempts.ts'
import { startFollowing } from '../helpers/follow/following.ts'
import { flagsAt } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

test('ends what is under way when the phase cannot be stored', async () => {
  await using following = await startFollowing([])
  await following.world.addTenant('acme')
  const { shard, run } = await following.begin()
  await following.world.control.pool.query(
    'update rehome_control.moves set token = gen_random_uuid()',
  )
  const work = async ({ signal }: Shard) => void (await once(signal, 'abort'))
  const step = run({ phase: 'drain', beginsUnstored: true, run: work })
  await expect(step).rejects.toMatchObject({ code: 'MOVE_TAKEN_OVER' })
  expect(shard.signal.aborted).toBe(true)
})

test('lets the tenant write again when a phase under the fence cannot be stored', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  await world.control.pool.query(`create function refuse() returns trigger language plpgsql as
    $$ begin raise 'no room' using errcode = '53100'; end $$;
    create trigger refuse before update on rehome_control.moves for each row
    when (new.phase = 'drain') execute function refuse()`)
  // The drain waits for it, and would for seconds.
  const writer = await world.source.pool.connect()
  await writer.query(`begin; update notes set body = 'open' where tenant_id = 'acme'`)
  await using attempts = openAttempts(world)
  const error = expect.objectContaining({ code: 'DATABASE_ERROR', retryable: true })
  expect(await attempts.try('acme')).toMatchObject({ kind: 'failed', again: true, error })
  expect((await attempts.moveOf('acme')).phase).toBe('queued')
  expect(await flagsAt(world, 'source')).toEqual([])
  writer.release(true)
})
