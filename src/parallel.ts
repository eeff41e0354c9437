/** Several things at once, of which one may fail. */

/**
 * Does the work for each item, in order, `limit` at once. After a failure no further work begins,
 * work under way is aborted by its signal and waited for, and the first failure is
 * thrown.
 */
export async function inParallel<T>(
  items: Iterable<T>,
  { limit, signal }: { limit: number; signal: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  const rest = items[Symbol.iterator]()
  const lane = async () => {
    while (!either.aborted) {
      const next = rest.next()
      if (next.done) return
      await work(next.value, either)
    }
  }
  const lanes = Array.from({ length: limit }, () =>
    lane().catch((error: unknown) => {
      failed.abort(error)
      throw error
    }),
  )
  await Promise.allSettled(lanes)
  if (failed.signal.aborted) throw failed.signal.reason
  signal.throwIfAborted()
}

/**
 * Waits for all of them, whichever fails. Throws what the first in the list has failed with: it is
 * the same error as if one had been done after the other.
 */
export async function allOf<T extends readonly unknown[] | []>(
  works: T,
): Promise<{ -readonly [Place in keyof T]: Awaited<T[Place]> }> {
  await Promise.allSettled(works)
  return await Promise.all(works)
}

/** Marks a promise as handled: it is awaited later, and may fail before that. */
export function heard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** Does the work for each item, in order, one after another. Returns what it returned. */
export async function oneByOne<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const done: R[] = []
  for (const item of items) done.push(await work(item))
  return done
}

/** The items in lists, in order; none is heavier than `most`, unless it is a single item. */
export function* inLists<T>(
  items: Iterable<T>,
  weigh: (item: T) => number,
  { most, itemsMax = Number.POSITIVE_INFINITY }: { most: number; itemsMax?: number },
): Generator<T[]> {
  let some: T[] = []
  let weight = 0
  for (const item of items) {
    const own = weigh(item)
    if (some.length > 0 && (some.length >= itemsMax || weight + own > most)) {
      yield some
      some = []
      weight = 0
    }
    some.push(item)
    weight += own
  }
  if (some.length > 0) yield some
}

/** Items of which the first is made before any is asked for. */
export async function begun<T>(items: AsyncGenerator<T>): Promise<AsyncIterable<T>> {
  const first = await items.next()
  return (async function* () {
    if (first.done) return
    yield first.value
    yield* items
  })()
}

/** The items in lists of this length, in order; the last one may be shorter. */
export async function* inPages<T>(
  items: Iterable<T> | AsyncIterable<T>,
  size: number,
): AsyncGenerator<T[]> {
  let page: T[] = []
  for await (const item of items) {
    page.push(item)
    if (page.length < size) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}
