// A real browser for tests: the Chromium or Chrome that is installed. It downloads none.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Where the first of them is, or null. */
export function findBrowser(path = process.env.PATH ?? ''): string | null {
  const candidates = names.flatMap((name) => path.split(delimiter).map((dir) => join(dir, name)))
  return candidates.find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** This machine under a name that browsers do not trust as they trust 127.0.0.1. */
export const otherName = 'board.example'

export async function launch(executablePath: string): Promise<Browser> {
  const quiet = ['--no-first-run', '--disable-component-update', '--disable-sync', '--disable-quic']
  const names = [`--host-resolver-rules=MAP ${otherName} 127.0.0.1`]
  const base = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
  const args = [...base, ...quiet, ...names]
  return await chromium.launch({ executablePath, args })
}

export interface Watched {
  readonly page: Page
  /** Scripts that failed, policies that were broken, requests that went elsewhere. */
  readonly complaints: string[]
  /** Requests that changed something: `PUT /api/… 204`. */
  readonly writes: string[]
}

/** A page with cookies of its own. A refused request is the server's answer, not a complaint. */
export async function watchedPage(browser: Browser, home: string): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1300, height: 900 } })
  const page = await context.newPage()
  const complaints: string[] = []
  const writes: string[] = []
  context.on('weberror', (error) => complaints.push(String(error.error())))
  context.on('console', (message) => {
    const refused = message.text().startsWith('Failed to load resource: the server responded')
    if (message.type() === 'error' && !refused) complaints.push(message.text())
  })
  context.on('request', (request) => {
    const url = new URL(request.url())
    if (/^https?:$/.test(url.protocol) && url.host !== new URL(home).host) {
      complaints.push(`asked ${request.url()}`)
    }
  })
  context.on('response', (response) => {
    const method = response.request().method()
    const { pathname } = new URL(response.url())
    if (method !== 'GET') writes.push(`${method} ${pathname} ${response.status()}`)
  })
  return { page, complaints, writes }
}

/** Into the directory that SCREENSHOTS names, if it does. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const directory = process.env.SCREENSHOTS
  if (directory) await page.screenshot({ path: join(directory, `${name}.png`) })
}

/** Fills in the form of a decision, and sends it by this button. */
export async function decide(page: Page, button: string, reason: string): Promise<void> {
  await page.getByLabel('Your name').fill('Ada')
  await page.getByLabel('Reason').fill(reason)
  await page.getByLabel('I have read').check()
  await page.getByRole('button', { name: button }).click()
}

/** Serious violations of the rules for accessible pages. */
export async function troubles(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  return await page.evaluate(`axe.run().then(({ violations }) => violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html)))`)
}
