/** Pages of an end that is asked for what comes after a cursor. */

import { heard } from '../../parallel.ts'
import type { Page, Reading } from '../rows.ts'
import type { Texts } from '../tenant-rows.ts'

export interface CursorPage {
  readonly rows: readonly Texts[]
  /** null: there is no further one. */
  readonly next: string | null
}

/** The next page is asked for while one is looked at. */
export async function* cursorPages(
  { after, signal }: Pick<Reading, 'after' | 'signal'>,
  ask: (cursor: string | null) => Promise<CursorPage>,
): AsyncGenerator<Page, void, undefined> {
  let page = ask(after.cursor)
  for (;;) {
    const { rows, next } = await page
    signal.throwIfAborted()
    if (next !== null) page = heard(ask(next))
    if (rows.length > 0) yield { rows, cursor: next, counted: false }
    if (next === null) return
  }
}
