// A worker's life within the test process, so that many can die without a process each.
//
// A process that dies of SIGKILL loses its connections and opens no more: nothing else of it
// matters to anybody. So the life of an attempt is its connections, and its death closes them and
// refuses others. What its code does afterwards, such as a retreat, reaches no server. A process
// that stands still (SIGSTOP) sends and reads nothing: the connections of a held life keep back
// what is written to them until it wakes up. AsyncLocalStorage knows whose code runs.
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type pg from 'pg'
import type { RemoteCall } from '../../../src/calls.ts'
import { type CallPoint, createPointNames } from '../moments/call-points.ts'

const lives = new AsyncLocalStorage<Life>()

/** Told each remote call of a life, before it is sent and after it was answered. */
export type Meet = (point: CallPoint, life: Life) => void

export class Life {
  readonly #nameOf = createPointNames()
  readonly #meet: Meet
  readonly #sockets = new Set<Socket>()
  readonly #stop = new AbortController()
  #held = false

  constructor(meet: Meet = () => {}) {
    this.#meet = meet
  }

  /** Aborted at its death, so that the code that is left ends soon. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  get dead(): boolean {
    return this.signal.aborted
  }

  /** Resolves at its death. */
  async died(): Promise<null> {
    if (!this.dead) await once(this.signal, 'abort')
    return null
  }

  /** Runs `work` as this life's. */
  async live<T>(work: () => Promise<T>): Promise<T> {
    return await lives.run(this, work)
  }

  /** Nothing of it reaches a server from here on. What was sent before may still be carried out. */
  die(): void {
    this.#held = false
    for (const socket of this.#sockets) socket.destroy()
    this.#stop.abort()
  }

  /** Nothing is sent or read until `wake`. */
  hold(): void {
    if (this.#held || this.dead) return
    this.#held = true
    for (const socket of this.#sockets) keepBack(socket)
  }

  wake(): void {
    if (!this.#held) return
    this.#held = false
    for (const socket of this.#sockets) letGo(socket)
  }

  /** Breaks the connections in use; its code goes on, and may open others. */
  breakConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Connections that its code has not given back. */
  get inUse(): number {
    return this.#sockets.size
  }

  hear(call: RemoteCall): void {
    const point = this.dead ? null : this.#nameOf(call)
    if (point) this.#meet(point, this)
  }

  take(socket: Socket): void {
    this.#sockets.add(socket)
    if (this.#held) keepBack(socket)
    if (this.dead) socket.destroy()
  }

  leave(socket: Socket): void {
    if (this.#sockets.delete(socket) && this.#held) letGo(socket)
  }

  /** Drops what a broken connection has kept back. */
  lose(socket: Socket): void {
    if (this.#sockets.delete(socket) && this.#held) socket.destroy()
  }
}

function keepBack(socket: Socket): void {
  socket.cork()
  socket.pause()
}

function letGo(socket: Socket): void {
  socket.uncork()
  socket.resume()
}

subscribe('rehome:call', (call) => lives.getStore()?.hear(call as RemoteCall))

// Those of requests over HTTP, which are made in the midst of the request.
subscribe('net.client.socket', (message) => {
  const { socket } = message as { socket: Socket }
  const life = lives.getStore()
  if (life?.dead) process.nextTick(() => socket.destroy(gone()))
  else life?.take(socket)
  socket.once('close', () => life?.lose(socket))
})

/**
 * Connections of this pool are a life's while it has them in use. So lives need no pools of their
 * own: what dies with a process beside those in use are idle ones, which hold nothing.
 */
export function lend(pool: pg.Pool): void {
  const connect = pool.connect.bind(pool) as (...done: unknown[]) => Promise<pg.PoolClient>
  const query = pool.query.bind(pool) as (...asked: unknown[]) => Promise<unknown>
  const connectFor = async (life: Life) => {
    if (life.dead) throw gone()
    const client = await connect()
    takeFor(life, client)
    if (life.dead) throw gone()
    return client
  }
  pool.connect = ((...done: unknown[]) => {
    const life = lives.getStore()
    return life ? connectFor(life) : connect(...done)
  }) as typeof pool.connect
  // Its callbacks would be called in the midst of what others do.
  pool.query = (async (...asked: unknown[]) => {
    const life = lives.getStore()
    if (!life) return await query(...asked)
    const client = await connectFor(life)
    let failed = true
    try {
      const ask = client.query.bind(client) as typeof query
      const result = await ask(...asked)
      failed = false
      return result
    } finally {
      client.release(failed)
    }
  }) as typeof pool.query
}

function takeFor(life: Life, client: pg.PoolClient): void {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
  const release = client.release
  life.take(stream)
  client.release = (error) => {
    if (error) life.lose(stream)
    else life.leave(stream)
    release.call(client, error || life.dead)
  }
  if (life.dead) client.release(true)
}

function gone(): Error {
  return new Error('whoever asks is dead')
}
