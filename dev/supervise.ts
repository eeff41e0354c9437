// Starts programs that must not outlive this process, each under a watchdog (watchdog.mjs).
//
// No service manager: it restarts nothing, nor knows when a server is ready (server.ts does).
// Invariant: whatever was started here ends with this process, even if it dies of SIGKILL; and
// nothing that was started elsewhere is ever signalled. The watchdog has a session of its own, so a
// Ctrl-C in the terminal reaches this process only, and servers go on until it is done with them.
import { type ChildProcess, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** The program to run. Its output is appended to the file `log`; it gets no standard input. */
export interface Program {
  command: string
  args: string[]
  /** The name that the program sees itself called by. */
  argv0?: string | undefined
  cwd?: string | undefined
  /** The whole environment; that of this process if absent. */
  env?: Record<string, string> | undefined
  uid?: number | undefined
  gid?: number | undefined
  log: string
}

/** Actions of the watchdog when its owner is gone, or says `end`. */
export interface Guard {
  /** Directories to remove once the program has ended. */
  remove: string[]
  /** The signal that ends the program when the owner is gone. */
  lastSignal: NodeJS.Signals
  /** A command to run after the program has ended. */
  afterwards?: { command: string; args: string[] }
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

type Report =
  | { event: 'started'; pid: number }
  | { event: 'failed'; message: string }
  | ({ event: 'exited' } & Exit)

interface Settled<T> {
  resolve(value: T): void
  reject(error: Error): void
}

const watchdog = fileURLToPath(new URL('./watchdog.mjs', import.meta.url))

/** One watchdog and the one program at a time that it holds. */
export class Supervisor {
  readonly #child: ChildProcess
  readonly #orders: Writable
  readonly #reports: Readable
  readonly #gone: Promise<void>
  #waiting = 0
  #start: Settled<number> | undefined
  #exit: Settled<Exit> | undefined
  #exited: Promise<Exit> | undefined

  constructor(guard: Guard) {
    this.#child = spawn(process.execPath, [watchdog, JSON.stringify(guard)], {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: watchdogEnvironment(),
    })
    const { stdin, stdout } = this.#child
    if (!stdin || !stdout) throw new Error('the watchdog was started without its pipes')
    this.#orders = stdin
    this.#reports = stdout
    stdin.on('error', () => {})
    createInterface({ input: stdout }).on('line', (line) => this.#hear(parseReport(line)))
    this.#gone = new Promise((resolve) => stdout.once('close', resolve))
    this.#child.once('error', (error) => this.#abandon(error))
    void this.#gone.then(() => this.#abandon(new Error('its watchdog has ended')))
    this.#letGo()
  }

  /** Starts `program` and resolves with its process id. One program at a time. */
  async start(program: Program): Promise<number> {
    if (this.#exited)
      throw new Error(`a program is running already; cannot start ${program.command}`)
    const started = new Promise<number>((resolve, reject) => {
      this.#start = { resolve, reject }
    })
    this.#exited = new Promise<Exit>((resolve, reject) => {
      this.#exit = { resolve, reject }
    })
    this.#exited.catch(() => {})
    this.#send({ order: 'start', program })
    return await this.#hold(started)
  }

  /** Whether the program that was started last is still running. */
  get isRunning(): boolean {
    return this.#exited !== undefined
  }

  /** Runs `program` to its end. */
  async run(program: Program): Promise<Exit> {
    await this.start(program)
    return await this.#end()
  }

  /** Sends `signal` to the program and resolves when it has ended. Its directories stay. */
  async stop(signal: NodeJS.Signals): Promise<Exit> {
    this.#send({ order: 'signal', signal })
    return await this.#end()
  }

  /** Ends the program by `signal`, removes what the guard names, ends the watchdog. Idempotent. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.#send({ order: 'end', signal })
    await this.#hold(this.#gone)
  }

  async #end(): Promise<Exit> {
    return await this.#hold(this.#exited ?? Promise.resolve({ code: 0, signal: null }))
  }

  #send(order: object): void {
    this.#orders.write(`${JSON.stringify(order)}\n`)
  }

  #hear(report: Report): void {
    if (report.event === 'started') this.#start?.resolve(report.pid)
    if (report.event === 'failed') this.#abandon(new Error(report.message))
    if (report.event === 'exited') {
      this.#exited = undefined
      this.#exit?.resolve({ code: report.code, signal: report.signal })
    }
  }

  #abandon(error: Error): void {
    this.#exited = undefined
    this.#start?.reject(error)
    this.#exit?.reject(error)
  }

  /** Keeps this process alive while it waits for the watchdog, and only then. */
  async #hold<T>(promise: Promise<T>): Promise<T> {
    if (this.#waiting++ === 0) refer(this.#reports, 'ref')
    try {
      return await promise
    } finally {
      if (--this.#waiting === 0) refer(this.#reports, 'unref')
    }
  }

  #letGo(): void {
    this.#child.unref()
    refer(this.#reports, 'unref')
    refer(this.#orders, 'unref')
  }
}

function refer(stream: Readable | Writable, how: 'ref' | 'unref'): void {
  if (stream instanceof Socket) stream[how]()
}

/** Loaders and flags of this process are not for the watchdog: it has to start at once. */
function watchdogEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...rest } = process.env
  return rest
}

function parseReport(line: string): Report {
  return JSON.parse(line) as Report
}
