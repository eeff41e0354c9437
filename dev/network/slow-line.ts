// One direction of a connection that takes its time: a delay, and a limit of bytes a second.
//
// Pure of sockets: a caller hands over what is to be sent, and how. Invariant: everything is sent
// once, in order, and nothing while the line is stopped.

export interface Slowness {
  /** From one side to the other, in ms. Default 0. */
  readonly delayMs?: number
  /** Default: no limit. */
  readonly bytesPerSecond?: number
}

/** More than so many bytes on their way, and the sender should wait. */
const bytesMax = 4 << 20

export class SlowLine {
  slowness: Slowness
  readonly #waiting: { dueAt: number; bytes: number; send: () => void }[] = []
  #bytes = 0
  #freeAt = 0
  #isStopped = false
  #timer: NodeJS.Timeout | undefined

  constructor(slowness: Slowness) {
    this.slowness = slowness
  }

  /** true: there is so much on its way that the sender should wait. */
  get isFull(): boolean {
    return this.#bytes > bytesMax
  }

  /** Sends at once where nothing is slow and nothing waits. */
  pass(bytes: number, send: () => void): void {
    const { delayMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY } = this.slowness
    const now = performance.now()
    this.#freeAt = Math.max(now, this.#freeAt) + (bytes * 1000) / bytesPerSecond
    const dueAt = this.#freeAt + delayMs
    if (dueAt <= now && this.#waiting.length === 0 && !this.#isStopped) {
      send()
      return
    }
    this.#waiting.push({ dueAt, bytes, send })
    this.#bytes += bytes
    this.#wake()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  go(): void {
    this.#isStopped = false
    this.#wake()
  }

  #wake(): void {
    const [first] = this.#waiting
    if (!first || this.#isStopped || this.#timer) return
    // Timers round up to whole milliseconds.
    const waitMs = Math.max(0, Math.floor(first.dueAt - performance.now()))
    this.#timer = setTimeout(() => this.#sendDue(), waitMs)
  }

  #sendDue(): void {
    this.#timer = undefined
    while (!this.#isStopped) {
      const [first] = this.#waiting
      if (!first || first.dueAt > performance.now()) break
      this.#waiting.shift()
      this.#bytes -= first.bytes
      first.send()
    }
    this.#wake()
  }
}
