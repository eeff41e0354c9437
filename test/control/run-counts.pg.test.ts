// The counts of a run are those of its moves, whatever statements have changed them.
import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { countedOverview, countsOf } from '../../src/control/runs/run-counts.ts'
import { exactOverview } from '../../src/control/runs/run-overview.ts'
import { tenantPage } from '../../src/control/runs/run-tenants.ts'
import { listRuns } from '../../src/control/runs/runs.ts'
import { controlWith } from '../helpers/moves/control-with.ts'

const some = () => `where id in (select id from rehome_control.moves
  order by md5(id::text || '${randomInt(1e6)}') limit ${randomInt(1, 60)})`

/** Changes as workers, the feeder and people make them; each is one statement on some moves. */
const changes = [
  () => `has_job = not has_job ${some()} and open and phase = 'queued'`,
  () => `open = false, has_job = true, phase = 'moved', error_code = null, rows_copied = coalesce(rows_total, 7),
    pause_ms = 1 + 900 * random(), settled_at = clock_timestamp() ${some()} and open`,
  () => `open = false, has_job = true, phase = 'failed', error_code = 'ROWS_DIFFER',
    error_message = 'x', settled_at = clock_timestamp() ${some()} and open`,
  () => `open = true, errand = 'audit', phase = 'audit' ${some()} and phase = 'moved'`,
  () => `open = true, errand = 'move', phase = 'queued', error_code = null, pause_ms = null,
    rows_copied = 0 ${some()} and phase = 'failed'`,
  () =>
    `phase = 'copy', rows_total = 100, rows_copied = 50 * random() ${some()} and open and has_job`,
]

test('an overview by counts says what all moves say, after any history', async () => {
  await using world = await controlWith(200)
  const { control } = world
  for (let i = 0; i < 60; i += 1) {
    await world.set(changes[randomInt(changes.length)]?.() ?? '')
    if (i % 10 > 0) continue
    const [exact, counted] = [
      await exactOverview(control, 'run'),
      await countedOverview(control, 'run'),
    ]
    const { pauses, at: _, estimate: __, lastEndedAt: ___, ...numbers } = exact
    expect(counted).toMatchObject(numbers)
    expect(counted.pauses).toMatchObject({
      ...{ tenants: pauses.tenants, slowestMs: pauses.slowestMs },
      slowestTenant: pauses.slowestTenant,
    })
    if (pauses.tenants < 50) continue
    expect(counted.pauses.buckets.reduce((sum, n) => sum + n, 0)).toBe(pauses.tenants)
    expect(Math.abs((counted.pauses.medianMs ?? 0) / (pauses.medianMs ?? 1) - 1)).toBeLessThan(0.1)
  }
  const [run] = await listRuns(control)
  const phases = Object.values(run?.phases ?? {}).reduce((sum, n) => sum + n, 0)
  expect([run?.moves, phases]).toEqual([200, 200])
  for (const phase of ['waiting', 'working', 'ended', 'moved']) {
    const { total, tenants } = await tenantPage(control, 'run', { phase, size: 1_000 })
    expect([phase, tenants.length]).toEqual([phase, total])
  }
})

test('two sessions that end moves at once both count', async () => {
  await using world = await controlWith(100)
  const ends = world.ids.map(({ id }) =>
    world.set(`open = false, phase = 'moved' where id = '${id}'`),
  )
  await Promise.all(ends)
  expect(await countsOf(world.control, ['run'])).toEqual([
    { run_id: 'run', phase: 'moved', errand: 'move', open: false, tenants: 100 },
  ])
})

test('pages of tenants by cursor have each of them once', async () => {
  await using world = await controlWith(25)
  const names: string[] = []
  for (let after: string | undefined = ''; after !== undefined; after = names.at(-1)) {
    const { tenants, total } = await tenantPage(world.control, 'run', { after, size: 10 })
    expect(total).toBe(25)
    if (tenants.length === 0) break
    names.push(...tenants.map((line) => line.tenant_id))
  }
  expect(new Set(names).size).toBe(25)
  expect(names).toHaveLength(25)
})
