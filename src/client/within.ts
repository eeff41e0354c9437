/**
 * Rejects where the work has not ended after `ms`; its later result is ignored.
 * `what`: part of its message.
 */
export async function within<T>(ms: number, work: T | Promise<T>, what = ''): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms${what}`)), ms)
  })
  const working = Promise.resolve(work)
  working.catch(() => {})
  try {
    return await Promise.race([working, late])
  } finally {
    clearTimeout(timer)
  }
}
