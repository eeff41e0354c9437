// Stands between a client and a server as a network that fails on request.
//
// It knows nothing of what is said over it: a caller that wants to fail at a certain message looks
// for it in `onData`. Bytes are forwarded as they come, or as late as a distant server's; it adds,
// changes and reorders none.
// Invariant: while it is frozen, nothing passes in either direction, neither bytes nor the end of a
// connection; and its port stays its own from the start until it is disposed of.
import {
  type AddressInfo,
  createConnection,
  createServer,
  type Server,
  type Socket,
} from 'node:net'
import { SlowLine, type Slowness } from './network/slow-line.ts'

/** `up`: from client to server. `down`: the answers. */
export type Direction = 'up' | 'down'

/**
 * Sees each chunk before it is forwarded. `cut` breaks this connection in place of forwarding it;
 * `freeze` stops this connection in both directions, and the chunk passes after thaw().
 */
export type OnData = (chunk: Buffer, direction: Direction) => 'cut' | 'freeze' | undefined

export interface TcpProxyOptions {
  readonly to: { readonly host: string; readonly port: number }
  readonly onData?: OnData
  /** In each direction. Opening a connection is not delayed, what is said over it is. */
  readonly slowness?: Slowness
}

export interface TcpProxy extends AsyncDisposable {
  /** On 127.0.0.1, chosen by the system. */
  readonly port: number
  /** How many clients are connected. */
  readonly connections: number
  readonly isFrozen: boolean
  /** May be exchanged at any time, and counts from the next chunk on. */
  onData: OnData | undefined
  /** May be exchanged at any time, and counts from the next chunk on. */
  slowness: Slowness
  /** Breaks all connections by RST at both sides. New ones are taken. Returns how many it broke. */
  cut(): number
  /** Nothing passes from now on, and nothing is closed; new connections wait, too. Idempotent. */
  freeze(): void
  /** Forwards what was held, in order. Idempotent. */
  thaw(): void
  /** New connections are broken at once by RST; those that exist go on. Idempotent. */
  refuse(): void
  accept(): void
}

export async function startTcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: 0, host: '127.0.0.1' }, resolve)
  })
  return new RunningProxy(server, options)
}

class RunningProxy implements TcpProxy {
  readonly port: number
  onData: OnData | undefined
  slowness: Slowness
  readonly #server: Server
  readonly #links = new Set<Link>()
  #isFrozen = false
  #isRefusing = false

  constructor(server: Server, { to, onData, slowness = {} }: TcpProxyOptions) {
    this.#server = server
    this.onData = onData
    this.slowness = slowness
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (client) => {
      if (this.#isRefusing) client.resetAndDestroy()
      else this.#connect(client, to)
    })
  }

  get connections(): number {
    return this.#links.size
  }

  get isFrozen(): boolean {
    return this.#isFrozen
  }

  cut(): number {
    const links = [...this.#links]
    for (const link of links) link.cut()
    return links.length
  }

  freeze(): void {
    this.#isFrozen = true
    for (const link of this.#links) link.freeze()
  }

  thaw(): void {
    this.#isFrozen = false
    for (const link of this.#links) link.thaw()
  }

  refuse(): void {
    this.#isRefusing = true
  }

  accept(): void {
    this.#isRefusing = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.cut()
    await closed
  }

  #connect(client: Socket, to: TcpProxyOptions['to']): void {
    const link: Link = new Link(client, {
      connect: () => createConnection({ ...to, allowHalfOpen: true, noDelay: true }),
      onData: (chunk, direction) => this.onData?.(chunk, direction),
      onClose: () => this.#links.delete(link),
      slowness: () => this.slowness,
    })
    this.#links.add(link)
    if (!this.#isFrozen) link.thaw()
  }
}

interface LinkParts {
  readonly connect: () => Socket
  readonly onData: OnData
  readonly onClose: () => void
  readonly slowness: () => Slowness
}

/** One client's connection and ours to the server. Begins frozen and unconnected. */
class Link {
  readonly #client: Socket
  readonly #parts: LinkParts
  readonly #lines: Readonly<Record<Direction, SlowLine>>
  #server: Socket | undefined
  #isFrozen = true
  /**
   * Chunks that were read and have to wait: the chunk that the hook froze at, then others, unseen
   * by it.
   */
  #held: { chunk: Buffer; direction: Direction; isSeen: boolean }[] = []

  constructor(client: Socket, parts: LinkParts) {
    this.#client = client
    this.#parts = parts
    this.#lines = { up: new SlowLine({}), down: new SlowLine({}) }
    this.#watch(client, 'up')
  }

  freeze(): void {
    this.#isFrozen = true
    for (const line of Object.values(this.#lines)) line.stop()
    this.#client.pause()
    this.#server?.pause()
  }

  thaw(): void {
    if (!this.#isFrozen || this.#client.destroyed) return
    this.#isFrozen = false
    for (const line of Object.values(this.#lines)) line.go()
    if (!this.#server) {
      this.#server = this.#parts.connect()
      this.#watch(this.#server, 'down')
    }
    const held = this.#held
    this.#held = []
    for (const { chunk, direction, isSeen } of held) {
      if (isSeen) this.#pass(chunk, direction)
      else this.#meet(chunk, direction)
    }
    if (this.#isFrozen) return
    this.#client.resume()
    this.#server.resume()
  }

  cut(): void {
    this.#client.resetAndDestroy()
    this.#server?.resetAndDestroy()
  }

  #watch(socket: Socket, direction: Direction): void {
    socket.on('data', (chunk: Buffer) => this.#meet(chunk, direction))
    socket.on('end', () => this.#lines[direction].pass(0, () => this.#other(direction)?.end()))
    socket.on('drain', () => {
      if (!this.#isFrozen) this.#other(direction)?.resume()
    })
    socket.on('error', () => this.cut())
    socket.on('close', () => {
      const other = this.#other(direction)
      if (direction === 'up' || other?.destroyed) this.#parts.onClose()
      if (!other?.writableEnded) this.cut()
    })
  }

  #meet(chunk: Buffer, direction: Direction): void {
    if (this.#isFrozen) {
      this.#held.push({ chunk, direction, isSeen: false })
      return
    }
    const verdict = this.#parts.onData(chunk, direction)
    if (verdict === 'cut') this.cut()
    else if (verdict === 'freeze') {
      this.freeze()
      this.#held.push({ chunk, direction, isSeen: true })
    } else this.#pass(chunk, direction)
  }

  #pass(chunk: Buffer, direction: Direction): void {
    const line = this.#lines[direction]
    line.slowness = this.#parts.slowness()
    line.pass(chunk.length, () => this.#send(chunk, direction))
    if (line.isFull) this.#from(direction)?.pause()
  }

  #send(chunk: Buffer, direction: Direction): void {
    const to = this.#other(direction)
    if (!to || to.destroyed || to.writableEnded) return
    const from = this.#from(direction)
    if (!to.write(chunk)) from?.pause()
    else if (from?.isPaused() && !this.#isFrozen && !this.#lines[direction].isFull) from.resume()
  }

  #from(direction: Direction): Socket | undefined {
    return direction === 'up' ? this.#client : this.#server
  }

  #other(direction: Direction): Socket | undefined {
    return direction === 'up' ? this.#server : this.#client
  }
}
