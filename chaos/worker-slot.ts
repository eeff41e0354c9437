/**
 * A place for one worker: whenever the process in it has ended, another is started.
 *
 * Each process gets its own luck from the seed: a clock that is off, a readiness to die at a remote
 * call. Invariant: only processes started here are signalled, and all end with this one.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Supervisor } from '../dev/supervise.ts'
import type { Outages } from './faults/outages.ts'
import type { Log } from './log.ts'
import type { Random } from './random.ts'

const lockMs = 3_000

export interface SlotOptions {
  readonly name: `worker ${number}`
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  readonly random: Random
  readonly log: Log
  readonly outages: Outages
  /** Told of each process that died at a remote call. */
  readonly onCrash: () => void
}

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export class WorkerSlot implements AsyncDisposable {
  readonly name: `worker ${number}`
  readonly #options: SlotOptions
  readonly #supervisor: Supervisor
  readonly #logFile: string
  #pid = 0
  #starts = 0
  #isCalm = false
  #isLucky = true
  #clockOff = 0
  #isEnding = false
  #running: Promise<void>

  constructor(options: SlotOptions) {
    this.name = options.name
    this.#options = options
    this.#logFile = join(options.directory, `${options.name.replace(' ', '-')}.log`)
    this.#supervisor = new Supervisor({ remove: [], lastSignal: 'SIGKILL' })
    this.#running = this.#keepRunning()
  }

  get starts(): number {
    return this.#starts
  }

  get logFile(): string {
    return this.#logFile
  }

  /** Whether its process takes jobs, or did when it was last looked at. */
  get isReady(): boolean {
    return this.#supervisor.isRunning && existsSync(this.#readyFile)
  }

  /** The next process has a clock that is ahead by this much, or behind if it is negative. */
  setClockOff(aheadMs: number): void {
    this.#clockOff = aheadMs
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#supervisor.isRunning || this.#pid === 0) return
    try {
      process.kill(this.#pid, signal)
    } catch {
      // It has ended in this very moment.
    }
  }

  /** From now on its processes are ordinary ones: no clock off, no crash. */
  async calmDown(): Promise<void> {
    this.#isCalm = true
    if (this.#isLucky) return
    this.signal('SIGTERM')
    const pid = this.#pid
    for (let i = 0; i < 50 && this.#pid === pid; i++) await delay(100)
    if (this.#pid === pid) this.signal('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true
    await this.#supervisor.end('SIGKILL')
    await this.#running
  }

  get #readyFile(): string {
    return join(this.#options.directory, `${this.name.replace(' ', '-')}-${this.#starts}.ready`)
  }

  async #keepRunning(): Promise<void> {
    const { outages, log, name } = this.#options
    while (!this.#isEnding) {
      const isBack = outages.begin(name)
      await this.#start().catch((error: unknown) => log.note('worker', `${name}: ${error}`))
      while (this.#supervisor.isRunning && !existsSync(this.#readyFile)) await delay(50)
      isBack()
      while (this.#supervisor.isRunning) await delay(50)
      if (!this.#isEnding) await this.#tellWhy()
    }
  }

  async #start(): Promise<void> {
    this.#starts += 1
    const { environment, random, log } = this.#options
    const crash = !this.#isCalm && random.chance(0.4) ? '0.0015' : '0'
    const seed = random.between(1, 1_000_000)
    const clock = this.#isCalm ? 0 : this.#clockOff
    this.#clockOff = 0
    this.#isLucky = crash === '0' && clock === 0
    const preloads = [tsx, file('./clock-preload.ts'), file('./crash-preload.ts')]
    this.#pid = await this.#supervisor.start({
      command: process.execPath,
      args: [...preloads.flatMap((preload) => ['--import', preload]), file('./worker.ts')],
      env: {
        PATH: process.env.PATH ?? '',
        ...environment,
        LOG_LEVEL: 'info',
        CHAOS_CLOCK_MS: String(clock),
        CHAOS_CRASH: crash,
        CHAOS_CRASH_SEED: String(seed),
        CHAOS_LOCK_MS: String(lockMs),
        CHAOS_BLOCK_MS: String(lockMs * 2),
        CHAOS_READY: this.#readyFile,
      },
      log: this.#logFile,
    })
    const clockOff = clock === 0 ? '' : `, its clock ${clock / 60_000} min ahead`
    const oddities = `${clockOff}${crash === '0' ? '' : ', may crash'}`
    log.note('worker', `${this.name} started as process ${this.#pid}${oddities}`)
  }

  async #tellWhy(): Promise<void> {
    const { log, onCrash, name } = this.#options
    const lines = (await readFile(this.#logFile, 'utf8').catch(() => '')).trimEnd().split('\n')
    const last = lines.at(-1) ?? ''
    // The process says so last of all; of one that came before it, it is no news.
    if (!last.includes(`"crashed":${this.#pid},`)) {
      log.note('worker', `${name} has ended`)
      return
    }
    onCrash()
    log.note('worker', `${name} crashed: ${last.slice(0, 200)}`)
  }
}
