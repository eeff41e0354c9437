// A wave is approved and a run is stopped, in a real browser.
import { expect, test } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { moveOf } from '../../helpers/runs.ts'
import type { World } from '../../helpers/world.ts'
import { approverToken, operatorToken } from '../board-world.ts'
import { decide, screenshot, troubles } from '../browser.ts'
import { describeInBrowser } from '../browser-suite.ts'

const waves = [
  { tenants: ['a'], approve: true },
  { rest: true, soak: '1h' },
] as const
const frame = {
  world: { plan: { waves } },
  async prepare(world: World) {
    for (const tenant of ['a', 'b', 'c']) await world.addTenant(tenant, 3)
  },
}

describeInBrowser('decisions in a browser', frame, (suite) => {
  test('an approver approves a wave, and an operator stops the run', async () => {
    const { world, board } = suite
    const run = (await world.rehome.enqueue(world.plan())).runId ?? ''
    await using _worker = await world.work()
    await eventually(async () => expect((await moveOf(world, run, 'a')).open).toBe(false))
    await world.rehome.pause(run, { tenants: ['b', 'c'] })

    const { page, complaints } = await suite.open()
    await page.goto(`${board.url}/runs/${run}?token=${approverToken}`)
    await page.getByText(/waits for a person/).waitFor()
    expect(await page.getByRole('link', { name: 'Cancel' }).count()).toBe(0)
    await page.getByRole('link', { name: 'Approve the wave' }).click()
    expect(await troubles(page)).toEqual([])
    await screenshot(page, 'decision')
    await decide(page, 'Approve the wave', 'the first one is well')
    await eventually(async () => expect((await world.rehome.status(run)).run.wave).toBe(2))

    await page.goto(`${board.url}/runs/${run}?token=${operatorToken}`)
    await page.getByRole('link', { name: 'Cancel' }).click()
    await page.getByText('2 tenants that have not begun are called off').waitFor()
    await decide(page, 'Cancel', 'enough for today')
    await page.getByText('2 failed').waitFor()
    expect(await moveOf(world, run, 'c')).toMatchObject({ open: false, error_code: 'CANCELLED' })
    expect(complaints).toEqual([])
  })
})
