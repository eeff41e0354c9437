// Bull Board as people see it, in a real browser: what is shown, what Retry does, how one signs in.
// Pages of runs and tenants are tried in runs/run-browser.pg.test.ts.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { noPoison } from '../helpers/moves/no-poison.ts'
import { ended, runAll } from '../helpers/runs.ts'
import type { World } from '../helpers/world.ts'
import {
  cure,
  jobOf,
  openBoard,
  operatorToken,
  poison,
  retryPath,
  tokens,
  viewerToken,
} from './board-world.ts'
import { otherName, screenshot, watchedPage } from './browser.ts'
import { describeInBrowser } from './browser-suite.ts'

/** Opens menus one after the other, until one has such an item. */
async function openMenuWith(page: Page, item: string): Promise<void> {
  const menus = page.locator('button[aria-haspopup=menu]:visible')
  await eventually(async () => {
    for (const menu of await menus.all()) {
      await menu.click()
      await page.getByRole('menuitem').first().waitFor()
      if (await page.getByRole('menuitem', { name: item }).isVisible()) return
      await page.keyboard.press('Escape')
    }
    throw new Error(`no menu has ${item}`)
  })
}

const frame = {
  world: { target: noPoison },
  async prepare(world: World) {
    await world.addTenant('acme', 40)
    for (const tenant of ['bad', 'worse', 'worst']) {
      await world.addTenant(tenant)
      await poison(world, tenant)
    }
    await world.work()
    runId = await runAll(world)
    await jobOf(world, 'acme', 'completed')
    for (const tenant of ['bad', 'worse', 'worst']) await jobOf(world, tenant, 'failed')
  },
}

let runId: string

describeInBrowser('Bull Board in a browser', frame, (suite) => {
  test('queues, a job with its ring and log, and the way to its tenant and back', async () => {
    await using board = await openBoard(suite.world)
    const { page, complaints, writes } = await watchedPage(suite.browser, board.url)
    await page.goto(board.url)
    await page.getByText('Clean-ups').waitFor()
    expect(await page.title()).toBe('rehome')
    await screenshot(page, 'queues')
    await page.goto(`${board.url}/queue/rehome-moves?status=completed`)
    await page.getByRole('heading', { name: 'acme' }).waitFor()
    await page.getByText('100%').waitFor()
    await page.getByText(/copied notes: 40 rows read, 40 written/).waitFor()
    await screenshot(page, 'job')
    await page.getByRole('tab', { name: 'Data' }).click()
    await page.getByText('tenantId').waitFor()
    await page.getByText('moveId').waitFor()
    const opened = page.waitForEvent('popup')
    await page.getByRole('link', { name: 'tenant page' }).click()
    const tenant = await opened
    await tenant.getByRole('heading', { name: 'acme' }).waitFor()
    expect(new URL(tenant.url()).pathname).toBe(`/tenants/${runId}/acme`)
    expect(await tenant.locator('meter').count()).toBe(7)
    const background = await tenant.evaluate('getComputedStyle(document.body).maxWidth')
    expect(background).not.toBe('none')
    await tenant.getByRole('link', { name: 'Queues' }).click()
    await tenant.getByText('Clean-ups').waitFor()
    expect({ complaints, writes }).toEqual({ complaints: [], writes: [] })
  })

  test('offers no button that would be refused', async () => {
    await using board = await openBoard(suite.world)
    const { page } = await watchedPage(suite.browser, board.url)
    const job = await jobOf(suite.world, 'bad', 'failed')
    await page.goto(`${board.url}/queue/rehome-moves/${job.id}`)
    await page.getByRole('heading', { name: 'bad' }).waitFor()
    expect(await visibleIcons(page, '[class*=jobActions] button')).toEqual(['refresh-cw'])
    await page.goto(`${board.url}/queue/rehome-moves?status=failed`)
    await page.getByRole('button', { name: 'Retry all' }).waitFor()
    expect(await page.getByText('Clean all').isVisible()).toBe(false)
    await page.goto(`${board.url}/queue/rehome-moves`)
    await openMenuWith(page, 'Pause')
    expect(await visibleIcons(page, '[role=menuitem]')).toEqual(['refresh-cw', 'pause'])
  })

  test('Retry moves the tenant, and a refusal is shown with its reason', async () => {
    await using board = await openBoard(suite.world)
    const { page, complaints, writes } = await watchedPage(suite.browser, board.url)
    const job = await jobOf(suite.world, 'bad', 'failed')
    await page.goto(`${board.url}/queue/rehome-moves/${job.id}`)
    await page
      .getByText(/no poison/)
      .first()
      .waitFor()
    await page.getByRole('tab', { name: 'Error' }).click()
    await page.locator('span[class^=hljs]').first().waitFor()
    const retry = page.locator('[class*=jobActions] button:visible')
    const press = async () => {
      await retry.click()
      await answered(page, () => page.getByRole('button', { name: 'Confirm' }).click())
    }
    await cure(suite.world, 'bad')
    await press()
    expect((await ended(suite.world, runId)).get('bad')?.phase).toBe('moved')
    await page.getByText('100%').waitFor()
    expect(await page.getByText(/not retried|error/i).count()).toBe(1) // the tab "Error"
    expect(writes).toEqual([`PUT ${retryPath(job)} 204`])

    // Somebody else was faster, and this page does not know it yet.
    const worse = await jobOf(suite.world, 'worse', 'failed')
    await page.goto(`${board.url}/queue/rehome-moves/${worse.id}`)
    await retry.waitFor()
    await page.route('**/api/queues/rehome-moves/*', (route) => route.abort())
    await suite.world.rehome.rollback(runId, { tenants: ['worse'] })
    await ended(suite.world, runId)
    await press()
    await page.getByText('Not retried').waitFor()
    await page.getByText('tenant "worse" is rolled_back: only a failed move').waitFor()
    expect(complaints.filter((text) => !/ERR_FAILED|AxiosError|response/.test(text))).toEqual([])
  })

  test('one signs in with the token, is led on, and stays signed in', async () => {
    await using board = await openBoard(suite.world, tokens)
    const { page, complaints } = await watchedPage(suite.browser, board.url)
    await page.goto(`${board.url}/tenants/${runId}/acme`)
    await screenshot(page, 'sign-in')
    await page.getByLabel('Token').fill('wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('That is not the token of this board.').waitFor()
    await page.getByLabel('Token').fill(viewerToken)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'acme' }).waitFor()
    expect(page.url()).toBe(`${board.url}/tenants/${runId}/acme`)
    await page.goto(`${board.url}/queue/rehome-moves?status=failed`)
    await page.getByRole('heading', { name: 'worse' }).waitFor()
    expect(
      await visibleIcons(page, ':is([class*=jobActions], [class*=queueActions]) button'),
    ).toEqual([])
    expect(complaints).toEqual([])
  })

  test('its forms work over plain HTTP, where browsers say less of themselves', async () => {
    await using board = await openBoard(suite.world, { ...tokens, allowedHosts: [otherName] })
    const home = board.url.replace('127.0.0.1', otherName)
    const { page, writes } = await watchedPage(suite.browser, home)
    await page.goto(`${home}/tenants/${runId}/worst`)
    await page.getByLabel('Token').fill(operatorToken)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('link', { name: 'Retry' }).click()
    await page.getByLabel('Your name').fill('Ada')
    await page.getByLabel('Reason').fill('tried without a cure')
    await page.getByLabel('I have read').check()
    await answered(page, () => page.getByRole('button', { name: 'Retry' }).click())
    await page.getByText('ROW_REJECTED in copy').waitFor()
    await ended(suite.world, runId)
    expect(writes).toEqual(['POST /sign-in 303', `POST /actions/retry/${runId}/worst 303`])
    expect((await suite.world.rehome.show(runId, 'worst')).move.attempt).toBe(2)
  })

  test("another site's link opens the board, or brings the token", async () => {
    await using board = await openBoard(suite.world, tokens)
    await using elsewhere = await linksTo([
      `${board.url}/tenants/${runId}/acme`,
      `${board.url}/tenants/${runId}/bad?token=${operatorToken}`,
    ])
    const { page } = await watchedPage(suite.browser, board.url)
    const follow = async (link: string) => {
      await page.goto(elsewhere.url)
      await page.getByText(link).click()
    }
    await follow('link 0')
    await page.getByLabel('Token').waitFor()
    await follow('link 1')
    await page.getByRole('heading', { name: 'bad' }).waitFor()
    expect(page.url()).toBe(`${board.url}/tenants/${runId}/bad`)
    await follow('link 0')
    await page.getByRole('heading', { name: 'acme' }).waitFor()
    expect(page.url()).not.toContain('token')
  })
})

/**
 * Presses something, and waits until the server has answered the request that changes something.
 */
async function answered(page: Page, press: () => Promise<void>): Promise<void> {
  const answer = page.waitForResponse((response) => response.request().method() !== 'GET')
  await press()
  await answer
}

/** The icons of buttons that can be seen, by their names. */
async function visibleIcons(page: Page, buttons: string): Promise<string[]> {
  const icons: string[] = []
  for (const button of await page.locator(buttons).all()) {
    if (!(await button.isVisible())) continue
    const classes = await button.locator('svg').first().getAttribute('class')
    icons.push(/lucide-([\w-]+)/.exec(classes ?? '')?.[1] ?? '?')
  }
  return icons
}

/** Another site: to a browser, `localhost` is not 127.0.0.1. */
async function linksTo(urls: readonly string[]): Promise<{ url: string } & AsyncDisposable> {
  const links = urls.map((url, i) => `<p><a href="${url}">link ${i}</a></p>`).join('')
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(links)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://localhost:${port}/`, [Symbol.asyncDispose]: close }
}
