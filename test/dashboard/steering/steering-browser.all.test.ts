// A wave is approved and a run is stopped, in a real browser.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Board } from '../../../src/dashboard/start-board.ts'
import { eventually } from '../../helpers/eventually.ts'
import { moveOf } from '../../helpers/runs.ts'
import { createWorld, type World } from '../../helpers/world.ts'
import { approverToken, openBoard, operatorToken, tokens } from '../board-world.ts'
import { decide, findBrowser, launch, screenshot, troubles, watchedPage } from '../browser.ts'

const executable = findBrowser()
const name = `decisions in a browser${executable ? '' : ' (skipped: no chromium or chrome in PATH)'}`

describe.skipIf(!executable)(name, () => {
  let browser: Browser
  let world: World
  let board: Board
  beforeAll(async () => {
    browser = await launch(executable ?? '')
    const waves = [
      { tenants: ['a'], approve: true },
      { rest: true, soak: '1h' },
    ] as const
    world = await createWorld({ plan: { waves } })
    for (const tenant of ['a', 'b', 'c']) await world.addTenant(tenant, 3)
    board = await openBoard(world, tokens)
  })
  afterAll(async () => {
    await browser?.close()
    await board?.close()
    await world?.[Symbol.asyncDispose]()
  })

  test('an approver approves a wave, and an operator stops the run', async () => {
    const run = (await world.rehome.enqueue(world.plan())).runId ?? ''
    await using _worker = await world.work()
    await eventually(async () => expect((await moveOf(world, run, 'a')).open).toBe(false))
    await world.rehome.pause(run, { tenants: ['b', 'c'] })

    const { page, complaints } = await watchedPage(browser, board.url)
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
