// Which runs keep the guards that stand only while tenants move.
import { expect, test } from 'vitest'
import { runsThatNeedGuards } from '../../src/control/guarded-runs.ts'
import { controlWith } from '../helpers/moves/control-with.ts'

const over = `open = false, phase = 'moved', window_until = now() - interval '3 h',
  settled_at = now() - interval '4 h'`

test.each([
  ['an open move', `open = true, phase = 'copy'`, true],
  ['a rollback window', `window_until = now() + interval '1 s'`, true],
  [
    'a tenant that came back lately',
    `phase = 'rolled_back', window_until = null,
    settled_at = now() - interval '119 min'`,
    true,
  ],
  [
    'a window that was ended right after the cutover',
    `window_until = null, settled_at = now()`,
    true,
  ],
  [
    'a tenant that came back long ago',
    `phase = 'rolled_back', window_until = null,
    settled_at = now() - interval '121 min'`,
    false,
  ],
  ['moves and windows that ended long ago', 'attempt = 1', false],
] as const)('a run with %s: its guards stay: %#', async (_, standing, stay) => {
  await using world = await controlWith(3)
  const { control } = world
  await world.set(over)
  await world.set(`${standing} where tenant_id = 't1'`)
  const { rows } = await control.pool.query<{ id: string }>('select id from rehome_control.runs')
  const runs = rows.map(({ id }) => ({ id, staysMs: 7_200_000 }))
  const ids = runs.map(({ id }) => id)
  expect(await runsThatNeedGuards(control, runs)).toEqual(stay ? ids : [])
})
