// The pages of runs as people see and use them, in a real browser.
import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Board } from '../../../src/dashboard/start-board.ts'
import { noPoison } from '../../helpers/no-poison.ts'
import { ended } from '../../helpers/runs.ts'
import { createWorld, type World } from '../../helpers/world.ts'
import { cure, openBoard, operatorToken, poison, tokens, viewerToken } from '../board-world.ts'
import { findBrowser, launch, screenshot, watchedPage } from '../browser.ts'
import { plantRun } from './plant-run.ts'

const executable = findBrowser()
const name = `runs in a browser${executable ? '' : ' (skipped: no chromium or chrome in PATH)'}`

describe.skipIf(!executable)(name, () => {
  let browser: Browser
  let world: World
  let board: Board

  beforeAll(async () => {
    browser = await launch(executable ?? '')
    world = await createWorld({ target: noPoison })
    for (const tenant of ['acme', 'bad', 'umbra', 'zeta']) await world.addTenant(tenant, 20)
    await poison(world, 'bad')
    await plantRun(world, 'large-1', 2_000)
    board = await openBoard(world, tokens)
  })

  afterAll(async () => {
    await browser?.close()
    await board?.close()
    await world?.[Symbol.asyncDispose]()
  })

  test('a run is watched live, a failure understood, retried, and the tenant rolled back', async () => {
    const { runId } = await world.rehome.enqueue(world.plan())
    const { page, complaints } = await watchedPage(browser, board.url)
    await page.goto(`${board.url}/runs?token=${operatorToken}`)
    await page.getByRole('link', { name: runId ?? '' }).click()
    await page.getByText('4 waiting').waitFor()
    await page.getByText('live', { exact: true }).waitFor()
    await world.work()
    // Without a reload: events bring the numbers, the grid and the table.
    await page.getByText('3 moved').waitFor()
    await page.getByText('ended', { exact: true }).waitFor()
    await page.getByRole('row', { name: /bad failed/ }).waitFor()
    await page.getByText(/Correct the row or the target's constraint/).waitFor()
    await screenshot(page, 'run')
    expect(await troubles(page)).toEqual([])

    await page.getByRole('link', { name: 'show them' }).click()
    await page.getByRole('cell', { name: 'bad', exact: true }).getByRole('link').click()
    await page.getByRole('link', { name: 'Retry' }).click()
    await cure(world)
    await ask(page, 'Retry the move', 'the row was corrected')
    await page.getByText('It lives at the target').waitFor()
    await ended(world, runId)
    await screenshot(page, 'tenant')
    expect(await troubles(page)).toEqual([])

    await page.getByRole('link', { name: 'Roll back' }).click()
    await page.getByText('the rollback is refused and says how many rows').waitFor()
    await screenshot(page, 'action')
    expect(await troubles(page)).toEqual([])
    await ask(page, 'Roll back', 'the customer wishes it')
    await page.getByText('It lives at the source').waitFor()
    await page.getByText(/rollback asked for by Ada .*the customer wishes it/).waitFor()
    await page.getByText('rolled_back').first().waitFor()
    expect(complaints).toEqual([])
  })

  test('a failed tenant is found among 2,000, with the keyboard alone', async () => {
    const { page, complaints } = await watchedPage(browser, board.url)
    await page.goto(`${board.url}/runs/large-1?token=${viewerToken}`)
    const grid = page.locator('#grid')
    await grid.focus()
    await page.keyboard.press('Home')
    for (let i = 0; i < 9; i += 1) await page.keyboard.press('ArrowRight')
    expect(await page.locator('#cell').textContent()).toBe('tenant 000010: failed')
    await screenshot(page, 'grid')
    const moved = Number(await page.evaluate(moveThroughCells))
    process.stdout.write(`2,000 cells: ${moved.toFixed(2)} ms a step of the keyboard\n`)
    expect(moved).toBeLessThan(16)
    await page.keyboard.press('Home')
    await page.getByLabel('Tenant', { exact: true }).fill('001990')
    await page.keyboard.press('Enter')
    await page.getByRole('row', { name: /tenant 001990 failed .*ROWS_DIFFER/ }).waitFor()
    await page.getByRole('link', { name: 'tenant 001990' }).first().click()
    await page.getByRole('heading', { name: 'tenant 001990' }).waitFor()
    await page.getByText('What to do:').waitFor()
    expect(await page.getByRole('link', { name: 'Retry' }).count()).toBe(0)
    await page.goto(`${board.url}/actions/retry/large-1/tenant%20001990`)
    await page.getByText('Only operators may ask for it').waitFor()
    expect(complaints).toEqual([])
  })

  test('pages fit 390 px in the dark, and what does not exist is a page', async () => {
    const { page, complaints } = await watchedPage(browser, board.url)
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.setViewportSize({ width: 390, height: 844 })
    for (const [path, shot] of [
      ['/runs', 'runs-390'],
      ['/runs/large-1', 'run-390'],
      ['/tenants/large-1/tenant%20000010', 'tenant-390'],
      ['/runs/nowhere', 'missing-390'],
    ]) {
      await page.goto(`${board.url}${path}?token=${viewerToken}`)
      const wide = await page.evaluate('document.documentElement.scrollWidth')
      expect(wide, path).toBeLessThanOrEqual(390)
      await page.waitForLoadState('load')
      await screenshot(page, shot ?? '')
    }
    await page.getByRole('heading', { name: 'RUN_UNKNOWN' }).waitFor()
    expect(complaints).toEqual([])
  })

  test('a run is read, searched and paged without JavaScript', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto(`${board.url}/runs/large-1?token=${viewerToken}`)
    await page.getByText('page 1 of 20').waitFor()
    await page.getByRole('link', { name: 'next' }).click()
    await page.getByRole('link', { name: 'tenant 000101' }).waitFor()
    await page.getByLabel('Phase').selectOption('failed')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.getByText('page 1 of 2', { exact: true }).waitFor()
  })
})

async function ask(page: Page, button: string, reason: string): Promise<void> {
  await page.getByLabel('Your name').fill('Ada')
  await page.getByLabel('Reason').fill(reason)
  await page.getByLabel('I have read').check()
  await page.getByRole('button', { name: button }).click()
}

/** Serious violations of the rules for accessible pages. */
async function troubles(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  return await page.evaluate(`axe.run().then(({ violations }) => violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html)))`)
}

/** A hundred steps, in ms a step. */
const moveThroughCells = `(() => {
  const grid = document.getElementById('grid')
  const began = performance.now()
  for (let i = 0; i < 100; i += 1) {
    grid.dispatchEvent(new KeyboardEvent('keydown', { key: i % 2 ? 'PageUp' : 'PageDown' }))
  }
  return (performance.now() - began) / 100
})()`
