// Runs a TypeScript file of the tests in a process of its own, for tests that kill it.
//
// Invariant: the child is killed when the test has finished, passed or failed or timed out.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'

export interface Child {
  readonly pid: number
  /** The next line that it prints, as the JSON object it has to be. Rejects if it ends first. */
  next(): Promise<Record<string, unknown>>
  kill(signal: NodeJS.Signals): void
  /** Resolves with the exit code once the child has ended; null if a signal ended it. */
  exited(): Promise<number | null>
}

export interface ChildOptions {
  args?: string[]
  env?: Record<string, string>
  /** Give it a process group of its own, for a signal such as a terminal's Ctrl-C sends. */
  detached?: boolean
}

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/** Starts a script of this folder, named without its ending. */
export function startChild(script: string, options: ChildOptions = {}): Child {
  const path = fileURLToPath(new URL(`./${script}.ts`, import.meta.url))
  const child = spawn(process.execPath, ['--import', tsx, path, ...(options.args ?? [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...options.env },
    detached: options.detached ?? false,
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return asChild(child)
}

function asChild(child: ChildProcess): Child {
  const { stdout, pid } = child
  if (!stdout || pid === undefined) throw new Error('the child process could not be started')
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'exit')
  const exited = async () => {
    await ended
    return child.exitCode
  }
  return {
    pid,
    exited,
    kill: (signal) => void child.kill(signal),
    next: async () => {
      const { value, done } = await lines.next()
      if (done) throw new Error('the child process ended before it said anything more')
      return parseLine(value)
    },
  }
}

function parseLine(line: string): Record<string, unknown> {
  return JSON.parse(line) as Record<string, unknown>
}
