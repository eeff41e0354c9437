// Pages of large runs, in a real browser: with the keyboard alone, at 390 px, in the dark, and
// without JavaScript.
import { expect, test } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import type { World } from '../../helpers/world.ts'
import { viewerToken } from '../board-world.ts'
import { screenshot, troubles } from '../browser.ts'
import { describeInBrowser } from '../browser-suite.ts'
import { plantRun } from './plant-run.ts'

async function prepare(world: World): Promise<void> {
  await plantRun(world, 'large-1', 2_000)
  await plantRun(world, 'huge-1', 10_000)
}

describeInBrowser('large runs in a browser', { prepare }, (suite) => {
  test('a failed tenant is found among 2,000, with the keyboard alone', async () => {
    const { page, complaints } = await suite.open()
    await page.goto(`${suite.board.url}/runs/large-1?token=${viewerToken}`)
    const grid = page.locator('#grid')
    await grid.focus()
    await page.keyboard.press('Home')
    for (let i = 0; i < 9; i += 1) await page.keyboard.press('ArrowRight')
    expect(await page.locator('#cell').textContent()).toBe('tenant 000010: failed')
    expect(await troubles(page)).toEqual([])
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
    await page.goto(`${suite.board.url}/actions/retry/large-1/tenant%20001990`)
    await page.getByText('Only operators may ask for it').waitFor()
    expect(await page.evaluate(askAnyway)).toBe(403)
    expect(complaints).toEqual([])
  })

  test('a grid of 10,000 tenants stays fluid while many of them change', async () => {
    const { page, complaints } = await suite.open()
    await page.goto(`${suite.board.url}/runs/huge-1?token=${viewerToken}`)
    await page.getByText('live', { exact: true }).waitFor()
    const grid = page.locator('#grid')
    await grid.focus()
    // Cells come in parts.
    await eventually(async () => {
      await page.keyboard.press('End')
      expect(await page.locator('#cell').textContent()).toBe('tenant 010000: failed')
    })
    const step = Number(await page.evaluate(moveThroughCells))
    const redraw = Number(await page.evaluate(drawAnew))
    await page.evaluate(watchFrames)
    await suite.world.control.pool.query(letSomeMove, ['huge-1'])
    await page.keyboard.press('End')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    // It was queued, and the server has said otherwise since.
    await page.getByText('tenant 009998: moved').waitFor()
    const longest = Number(await page.evaluate('window.longestTask'))
    process.stdout.write(
      `10,000 cells: ${step.toFixed(2)} ms a step, ${redraw.toFixed(0)} ms to draw all, ` +
        `${longest.toFixed(0)} ms the longest task while 1,000 change\n`,
    )
    expect(step).toBeLessThan(16)
    expect(complaints).toEqual([])
  })

  test('pages fit 390 px in the dark, and what does not exist is a page', async () => {
    const { page, complaints } = await suite.open()
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.setViewportSize({ width: 390, height: 844 })
    const open = async (path: string) => {
      await page.goto(`${suite.board.url}${path}?token=${viewerToken}`)
      const wide = await page.evaluate('document.documentElement.scrollWidth')
      expect(wide, path).toBeLessThanOrEqual(390)
      expect(await troubles(page), path).toEqual([])
    }
    await open('/runs')
    await open('/tenants/large-1/tenant%20000010')
    await screenshot(page, 'tenant-390')
    await open('/runs/large-1')
    await screenshot(page, 'run-390')
    await open('/runs/nowhere')
    await screenshot(page, 'missing-390')
    await page.getByRole('heading', { name: 'RUN_UNKNOWN' }).waitFor()
    expect(complaints).toEqual([])
  })

  test('a run is read, searched and paged without JavaScript', async () => {
    const context = await suite.browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto(`${suite.board.url}/runs/large-1?token=${viewerToken}`)
    await page.getByText('page 1 of 20').waitFor()
    await page.getByRole('link', { name: 'next' }).click()
    await page.getByRole('link', { name: 'tenant 000101' }).waitFor()
    await page.getByLabel('Phase').selectOption('failed')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.getByText('page 1 of 2', { exact: true }).waitFor()
  })
})

/** The request that the form of an operator would send. */
const askAnyway = `fetch(location.pathname, {
  method: 'POST',
  body: new URLSearchParams({ by: 'Eve', reason: 'I want to', confirmed: 'yes' }),
}).then(({ status }) => status)`

/** A hundred steps, in ms a step. */
const moveThroughCells = `(() => {
  const grid = document.getElementById('grid')
  const began = performance.now()
  for (let i = 0; i < 100; i += 1) {
    grid.dispatchEvent(new KeyboardEvent('keydown', { key: i % 2 ? 'PageUp' : 'PageDown' }))
  }
  return (performance.now() - began) / 100
})()`

/** All cells, in ms. */
const drawAnew = `(() => {
  const began = performance.now()
  dispatchEvent(new Event('resize'))
  return performance.now() - began
})()`

/** Keeps the longest task from now on, in ms; 0: none took longer than 50 ms. */
const watchFrames = `(() => {
  window.longestTask = 0
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      window.longestTask = Math.max(window.longestTask, duration)
    }
  }).observe({ type: 'longtask' })
})()`

/** A thousand queued ones, as workers store it. */
const letSomeMove = `with ended as (
    update rehome_control.moves set phase = 'moved', open = false, updated_at = clock_timestamp()
    where run_id = $1 and right(tenant_id, 1) = '8' returning id)
  insert into rehome_control.events (move_id, attempt, kind, message)
  select id, 1, 'settled', 'moved' from ended`
