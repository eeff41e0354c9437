// Runs the command line as a user would: its arguments, its environment, its output and its exit
// code.
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Answer, Command } from './processes/command-server.ts'
import { programFile } from './processes/programs.ts'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

const basic = () => ({ PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' })
const idle: ChildProcess[] = []

/**
 * Only what is given and the PATH stand in the environment. One process runs many commands, one
 * after the other; it is an error if one of them leaves open what would keep a process alive.
 */
export async function rehome(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  const server = idle.pop() ?? startServer()
  server.ref()
  server.channel?.ref()
  const answered = once(server, 'message').then(([answer]) => answer as Answer)
  const ended = once(server, 'close').then(([code]): never => {
    throw new Error(`rehome ${args[0]} ended its process without an answer: ${code}`)
  })
  server.send({ args, env: { ...basic(), ...environment } } satisfies Command)
  const { open, ...ran } = await Promise.race([answered, ended])
  ended.catch(() => {})
  if (server.connected && server.exitCode === null) idle.push(server)
  server.unref()
  server.channel?.unref()
  if (open.length > 0) throw new Error(`rehome ${args[0]} leaves open: ${open.join(', ')}`)
  return ran
}

function startServer(): ChildProcess {
  const child = fork(programFile('test/helpers/processes/command-server.ts'), [], { env: basic() })
  child.setMaxListeners(0)
  return child
}

/** A process of its own, for commands that go on until `stop` sends SIGTERM. */
export async function rehomeProcess(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  stop?: AbortSignal,
): Promise<Ran> {
  const env = { ...basic(), ...environment }
  const child = spawn(process.execPath, [programFile('dev/rehome.ts'), ...args], { env })
  stop?.addEventListener('abort', () => child.kill('SIGTERM'))
  let out = ''
  let error = ''
  child.stdout.on('data', (bytes) => {
    out += bytes
  })
  child.stderr.on('data', (bytes) => {
    error += bytes
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, out, error }
}
