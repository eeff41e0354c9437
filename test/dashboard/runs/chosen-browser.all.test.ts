// Many tenants at once, in a real browser: ticked with the keyboard, or all that a filter finds.
import { expect, test } from 'vitest'
import type { Inspect } from '../../../src/dashboard/library.ts'
import { noPoison } from '../../helpers/moves/no-poison.ts'
import { ended, runAll } from '../../helpers/runs.ts'
import type { World } from '../../helpers/world.ts'
import { cure, operatorToken, poison } from '../board-world.ts'
import { decide, screenshot, troubles } from '../browser.ts'
import { describeInBrowser } from '../browser-suite.ts'

const frame = {
  world: { target: noPoison },
  async prepare(world: World) {
    for (const tenant of ['acme', 'bad', 'worse', 'worst']) await world.addTenant(tenant, 3)
    for (const tenant of ['bad', 'worse', 'worst']) await poison(world, tenant)
    await world.work()
  },
  board: (world: World) => ({
    inspect: ((of) => world.rehome.inspect([world.plan()], of)) satisfies Inspect,
  }),
}

describeInBrowser('many tenants in a browser', frame, (suite) => {
  test('failed ones are found, priced, and retried together', async () => {
    const { world, board } = suite
    const runId = await runAll(world)
    const { page, complaints } = await suite.open()
    await page.goto(`${board.url}/runs/${runId}?phase=failed&token=${operatorToken}`)
    await page.getByRole('checkbox', { name: 'choose worse' }).focus()
    await page.keyboard.press('Space')
    await page.getByRole('button', { name: 'The ticked ones' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Retry: 1 of 1 chosen tenants' }).waitFor()
    await page.goBack()
    await page.getByRole('button', { name: 'All that the filter finds' }).click()
    await page.getByRole('heading', { name: 'Retry: 3 of 3 chosen tenants' }).waitFor()
    await screenshot(page, 'chosen')
    expect(await troubles(page)).toEqual([])
    await cure(world)
    await decide(page, 'Retry', 'the rows were corrected')
    await page.getByText('4 moved').waitFor()
    expect([...(await ended(world, runId)).values()].map(({ phase }) => phase)).toEqual(
      Array.from({ length: 4 }, () => 'moved'),
    )
    await page.getByRole('link', { name: 'worst' }).first().click()
    await page.getByText('Done: the tenant lives and works at its new home.').waitFor()
    expect(await troubles(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  test('rows of a tenant are shown side by side', async () => {
    const { world, board } = suite
    const { page, complaints } = await suite.open()
    const [run] = await world.rehome.runs()
    await page.goto(`${board.url}/tenants/${run?.id}/worst?token=${operatorToken}`)
    await page.getByRole('link', { name: 'Rows side by side' }).click()
    await page.getByRole('heading', { name: 'Rows of worst' }).waitFor()
    await page.getByRole('cell', { name: 'body' }).first().waitFor()
    await screenshot(page, 'rows')
    expect(await troubles(page)).toEqual([])
    expect(complaints).toEqual([])
  })
})
