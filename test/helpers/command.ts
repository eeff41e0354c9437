// Runs the command line as a user would: a process of its own, its output and its exit code.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const program = fileURLToPath(new URL('../../dev/rehome.ts', import.meta.url))

/** Only what is given and the PATH stand in the environment. `signal` sends SIGTERM. */
export async function rehome(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  stop?: AbortSignal,
): Promise<Ran> {
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...environment }
  const child = spawn(process.execPath, ['--import', tsx, program, ...args], { env })
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
