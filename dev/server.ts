// The life of a server that this process owns: up on a free port, down, up again, gone.
//
// It knows nothing of PostgreSQL or Redis: postgres.ts and redis.ts say how each is run and asked.
// Invariant: once it has been up, a server keeps its port; `stop` leaves no process and no file.
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import type { Program, Supervisor } from './supervise.ts'

/** `fast` ends clients and leaves all in order; `immediate` is a crash: no farewell, no flush. */
export type DownMode = 'fast' | 'immediate'

/** Facts about one kind of server that `startServer` needs. */
export interface ServerKind {
  name: string
  supervisor: Supervisor
  program(port: number): Program
  /** Before the program is started; for those that read their port from a file. */
  prepare?(port: number): Promise<void>
  /** Resolves once the server answers its clients on `port`, rejects if it does not yet. */
  ask(port: number): Promise<void>
  signals: Record<DownMode, NodeJS.Signals>
}

const PORTS_MAX = 10
const READY_MS_MAX = 60_000
const ASK_EVERY_MS = 20

/** Starts a server on a free port, and resolves when it answers. */
export async function startServer(kind: ServerKind): Promise<Server> {
  for (let tries = 1; ; tries++) {
    const server = new Server(kind, await freePort())
    try {
      await server.up()
      return server
    } catch (error) {
      const isTaken = error instanceof NotStarted && error.log.includes('Address already in use')
      if (isTaken && tries < PORTS_MAX) continue
      await kind.supervisor.end(kind.signals.immediate)
      throw error
    }
  }
}

/** A server that ended before it answered, with what it wrote. */
class NotStarted extends Error {
  readonly log: string
  constructor(name: string, log: string) {
    super(`${name} ended before it answered:\n${log.trim()}`)
    this.log = log
  }
}

/** A running server. Ends with this process, however that ends. */
export class Server implements AsyncDisposable {
  readonly port: number
  readonly #kind: ServerKind
  #pid: number | undefined

  constructor(kind: ServerKind, port: number) {
    this.#kind = kind
    this.port = port
  }

  /** The server's process id; absent while it is down. */
  get pid(): number | undefined {
    return this.#pid
  }

  /** Takes the server down. Its data stay, as far as this kind of server stores any. */
  async down(mode: DownMode = 'immediate'): Promise<void> {
    if (this.#pid === undefined) return
    await this.#kind.supervisor.stop(this.#kind.signals[mode])
    this.#pid = undefined
  }

  /** Brings the server up on its port, and resolves when it answers. */
  async up(): Promise<void> {
    if (this.#pid !== undefined) return
    const program = this.#kind.program(this.port)
    const logged = (await readLog(program.log)).length
    await this.#kind.prepare?.(this.port)
    this.#pid = await this.#kind.supervisor.start(program)
    if (await this.#answers()) return
    this.#pid = undefined
    throw new NotStarted(this.#kind.name, (await readLog(program.log)).slice(logged))
  }

  /** Down and up again: same port, same data. */
  async restart(mode: DownMode = 'immediate'): Promise<void> {
    await this.down(mode)
    await this.up()
  }

  /** Ends the server for good and removes its throw-away directory. Idempotent. */
  async stop(): Promise<void> {
    this.#pid = undefined
    await this.#kind.supervisor.end(this.#kind.signals.fast)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** False where the program ended first. */
  async #answers(): Promise<boolean> {
    const { name, supervisor, ask } = this.#kind
    const deadline = Date.now() + READY_MS_MAX
    for (let last: unknown; Date.now() < deadline; await delay(ASK_EVERY_MS)) {
      if (!supervisor.isRunning) return false
      last = await ask(this.port).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (last === undefined) return true
    }
    await supervisor.stop('SIGKILL')
    throw new Error(`${name} does not answer on port ${this.port} after ${READY_MS_MAX} ms`)
  }
}

async function readLog(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '')
}
