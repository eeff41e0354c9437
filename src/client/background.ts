/**
 * Background work steps aside for a fenced tenant at once: were it to wait for the
 * fence, and the move for it to end, both would wait in vain.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

const background = new AsyncLocalStorage<true>()

export function inBackground<T>(work: () => Promise<T>): Promise<T> {
  return background.run(true, work)
}

export function isInBackground(): boolean {
  return background.getStore() === true
}
