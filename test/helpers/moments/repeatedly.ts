// What an application does again and again while something else is tried.
import { setTimeout as delay } from 'node:timers/promises'

/** Until it is disposed of, which waits for the work that is under way. `pauseMs`: between two. */
export function repeatedly(work: () => Promise<unknown>, pauseMs: number): AsyncDisposable {
  let over = false
  const live = async () => {
    while (!over) {
      await work()
      await delay(pauseMs)
    }
  }
  const living = live()
  return {
    async [Symbol.asyncDispose]() {
      over = true
      await living
    },
  }
}
