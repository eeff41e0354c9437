// What is asked for one move changes that move, and no other one.
import { expect, test } from 'vitest'
import { askCleanup, askRetry, askRollback, askWindow } from '../../src/control/ask.ts'
import { controlWith } from '../helpers/moves/control-with.ts'

const failed = `open = false, phase = 'failed', error_code = 'UNEXPECTED', epoch = gen_random_uuid()`
const moved = `open = false, phase = 'moved', window_until = now() + interval '1 h'`
const rollback = { by: 'tester', discardWrites: false }

test.each([
  ['retry', failed],
  ['rollback of a failed one', failed],
  ['rollback of one that has not begun', `phase = 'queued'`],
  ['rollback of a moved one', moved],
  ['finalize', moved],
  ['cleanup', `open = false, phase = 'moved'`],
])('a %s changes one move among others of all kinds', async (what, standing) => {
  await using world = await controlWith(6)
  const { control, ids } = world
  await world.set(`${failed} where tenant_id = 't1'`)
  await world.set(`${moved} where tenant_id = 't2'`)
  await world.set(`errand = 'audit', phase = 'moved', window_until = now() + interval '1 h'
    where tenant_id = 't3'`)
  await world.set(`phase = 'copy' where tenant_id = 't4'`)
  await world.set(`${standing} where tenant_id = 't0'`)
  const query = `select tenant_id from rehome_control.moves where generation > 0`
  const id = ids[0]?.id ?? ''
  if (what === 'retry') await askRetry(control, id, { by: 'tester' })
  else if (what === 'finalize') await askWindow(control, id, { errand: 'finalize', by: 'tester' })
  else if (what === 'cleanup') await askCleanup(control, id, { by: 'tester' })
  else await askRollback(control, id, rollback)
  expect((await control.pool.query(query)).rows).toEqual([{ tenant_id: 't0' }])
})
