// A process in which one command of the command line runs after the other, so that a test pays for
// the start of a program once. What ends with a process, a command has to end itself here: what it
// leaves open is reported with its answer.
import { main } from '../../../src/cli/main.ts'
import * as rehome from '../../../src/index.ts'

export interface Command {
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

export interface Answer {
  readonly code: number
  readonly out: string
  readonly error: string
  /** Resources that would keep a process alive. */
  readonly open: readonly string[]
}

type Write = typeof process.stdout.write

/** Its own pipes are no concern of a command's. */
const keepsAlive = /^(TCP|TLS|Timeout)/
const patienceMs = 20_000
const listened = ['unhandledRejection', 'SIGINT', 'SIGTERM'] as const

process.on('message', (command: Command) => void run(command))
process.once('disconnect', () => process.exit())

async function run({ args, env }: Command): Promise<void> {
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, env)
  process.exitCode = undefined
  const said = { out: '', error: '' }
  const { stdout, stderr, exit } = process
  const write = { out: stdout.write, error: stderr.write }
  stdout.write = ((text: string) => {
    said.out += text
    return true
  }) as Write
  stderr.write = ((text: string) => {
    said.error += text
    return true
  }) as Write
  const answer = (code: number, open: readonly string[]) => {
    process.send?.({ code, ...said, open } satisfies Answer)
  }
  process.exit = ((code = 0) => {
    answer(Number(code), [])
    exit(code)
  }) as typeof process.exit
  const code = await main(args, rehome)
  const open = await leftOpen()
  Object.assign(stdout, { write: write.out })
  Object.assign(stderr, { write: write.error })
  process.exit = exit
  stdout.removeAllListeners('error')
  for (const name of listened) process.removeAllListeners(name)
  answer(Number(process.exitCode ?? code), open)
}

/** Sockets close when their servers have heard of it, timers when they have come. */
async function leftOpen(): Promise<string[]> {
  const until = Date.now() + patienceMs
  for (;;) {
    const open = process.getActiveResourcesInfo().filter((name) => keepsAlive.test(name))
    if (open.length === 0 || Date.now() > until) return open
    // Told apart from what is left open by not keeping the process alive itself.
    await new Promise((resolve) => setTimeout(resolve, 5).unref())
  }
}
