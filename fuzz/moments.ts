/** Moments of an attempt: each connection to a database and each request over HTTP is one. */
export class Moments {
  count = 0
  /** Called before the nth moment; the attempt waits for it. */
  meet: ((moment: number) => Promise<void> | undefined) | undefined

  next(): Promise<void> | undefined {
    this.count += 1
    return this.meet?.(this.count)
  }
}
