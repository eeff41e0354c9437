// A run that is watched, understood and mended, in a real browser.
import { expect, test } from 'vitest'
import { noPoison } from '../../helpers/moves/no-poison.ts'
import { ended } from '../../helpers/runs.ts'
import type { World } from '../../helpers/world.ts'
import { cure, operatorToken, poison } from '../board-world.ts'
import { decide, screenshot, troubles } from '../browser.ts'
import { describeInBrowser } from '../browser-suite.ts'

const frame = {
  world: { target: noPoison },
  async prepare(world: World) {
    for (const tenant of ['acme', 'bad', 'umbra', 'zeta']) await world.addTenant(tenant, 20)
    await poison(world, 'bad')
  },
}

describeInBrowser('runs in a browser', frame, (suite) => {
  test('a run is watched live, a failure understood, retried, and the tenant rolled back', async () => {
    const { world, board } = suite
    const { runId } = await world.rehome.enqueue(world.plan())
    const { page, complaints } = await suite.open()
    await page.goto(`${board.url}/runs?token=${operatorToken}`)
    await screenshot(page, 'runs')
    await page.getByRole('link', { name: runId ?? '' }).click()
    await page.getByText('4 waiting').waitFor()
    await page.getByText('live', { exact: true }).waitFor()
    await page.getByText(/^no worker has plan/).waitFor()
    await world.work()
    // Without a reload: events bring the numbers, the grid and the table.
    await page.getByText('3 moved').waitFor()
    await page.getByText('ended', { exact: true }).waitFor()
    await page.getByRole('row', { name: /bad failed/ }).waitFor()
    await page.getByText(/Correct the row or the target's constraint/).waitFor()
    // It had no worker when the page was opened.
    await page.getByText(/^no worker has plan/).waitFor({ state: 'detached' })
    await screenshot(page, 'run')
    expect(await troubles(page)).toEqual([])

    await page.getByRole('link', { name: 'show them' }).click()
    await page.getByRole('cell', { name: 'bad', exact: true }).getByRole('link').click()
    await page.getByRole('link', { name: 'Retry' }).click()
    await cure(world)
    await decide(page, 'Retry the move', 'the row was corrected')
    await page.getByText('It lives at the target').waitFor()
    await ended(world, runId)
    await screenshot(page, 'tenant')
    expect(await troubles(page)).toEqual([])

    await page.getByRole('link', { name: 'Roll back' }).click()
    await page.getByText('the rollback is refused with the number of rows').waitFor()
    await screenshot(page, 'action')
    expect(await troubles(page)).toEqual([])
    await decide(page, 'Roll back', 'the customer wishes it')
    await page.getByText('It lives at the source').waitFor()
    await page
      .getByRole('cell', { name: /rollback asked for by Ada .*the customer wishes it/ })
      .waitFor()
    await page.getByText('rolled_back').first().waitFor()
    expect(complaints).toEqual([])
  })
})
