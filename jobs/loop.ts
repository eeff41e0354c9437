/** Work that a worker repeats beside its jobs. */

/**
 * One round at a time, from now on. `round` returns how long to rest after it, in ms. Returns what
 * ends it: no further round begins, and the promise resolves once none is under way.
 */
export function startLoop(round: (signal: AbortSignal) => Promise<number>): () => Promise<void> {
  const stop = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let running = Promise.resolve()
  const goRound = async () => {
    const restMs = await round(stop.signal)
    if (!stop.signal.aborted) timer = setTimeout(begin, restMs)
  }
  const begin = () => {
    running = goRound()
  }
  begin()
  return async () => {
    stop.abort()
    clearTimeout(timer)
    await running
  }
}
