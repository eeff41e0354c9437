// Runs the command line as a user would: a process of its own, its output and its exit code.
import { spawn } from 'node:child_process'
import { programFile } from './programs.ts'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

/** Only what is given and the PATH stand in the environment. `signal` sends SIGTERM. */
export async function rehome(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  stop?: AbortSignal,
): Promise<Ran> {
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...environment }
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
