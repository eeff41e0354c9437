// A suite in a real browser: a world, a board over it, and pages. Where no browser is installed it
// is skipped, which its title tells.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe } from 'vitest'
import type { Board } from '../../src/dashboard/start-board.ts'
import { createWorld, type World, type WorldOptions } from '../helpers/world.ts'
import { openBoard, type TestBoardOptions, tokens } from './board-world.ts'
import { findBrowser, launch, type Watched, watchedPage } from './browser.ts'

/** Filled before the first test. */
export interface BrowserSuite {
  browser: Browser
  world: World
  /** Every visitor needs a token. */
  board: Board
  /** A page with cookies of its own. */
  open(): Promise<Watched>
}

interface Prepared {
  readonly world?: WorldOptions
  readonly board?: (world: World) => TestBoardOptions
  prepare(world: World): Promise<unknown>
}

export function describeInBrowser(
  title: string,
  { world: options, board, prepare }: Prepared,
  tests: (suite: BrowserSuite) => void,
): void {
  const executable = findBrowser()
  const name = `${title}${executable ? '' : ' (skipped: no chromium or chrome in PATH)'}`
  describe.skipIf(!executable)(name, () => {
    const suite = { open: () => watchedPage(suite.browser, suite.board.url) } as BrowserSuite
    beforeAll(async () => {
      suite.browser = await launch(executable ?? '')
      suite.world = await createWorld(options)
      await prepare(suite.world)
      suite.board = await openBoard(suite.world, { ...tokens, ...board?.(suite.world) })
    })
    afterAll(async () => {
      await suite.browser?.close()
      await suite.board?.close()
      await suite.world?.[Symbol.asyncDispose]()
    })
    tests(suite)
  })
}
