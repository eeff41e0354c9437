// Starts the `redis` service of docker-compose.yml where a Docker engine answers.
//
// The last resort of `findRedis`. Under a project name of its own, so that it neither meets nor
// stops what somebody has started by `docker compose up` from the same file.
// Invariant: its containers, network and volumes are gone when this process is.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startServer } from '../server.ts'
import { Supervisor } from '../supervise.ts'
import { makeDirectory, temporaryPath } from '../unprivileged.ts'
import type { FoundRedis, MissingRedis } from './found-redis.ts'

const run = promisify(execFile)
const FILE = fileURLToPath(new URL('../../docker-compose.yml', import.meta.url))
const PASSWORD = 'rehome'
const PULL_MS_MAX = 300_000

/** Starts the service and resolves when `ping` does. Pulls the image first if it has to. */
export async function composeRedis(
  ping: (url: string) => Promise<void>,
): Promise<FoundRedis | MissingRedis> {
  const refusal = await refusalOfDocker()
  if (refusal) return { missing: refusal }
  try {
    await run('docker', ['compose', '-f', FILE, 'pull', '--quiet', 'redis'], {
      timeout: PULL_MS_MAX,
    })
    return await startService(ping)
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
    return { missing: `docker compose could not start Redis: ${reason}` }
  }
}

async function startService(ping: (url: string) => Promise<void>): Promise<FoundRedis> {
  const directory = await temporaryPath('redis', undefined)
  const compose = ['compose', '--project-name', `rehome-${randomUUID().slice(0, 8)}`, '-f', FILE]
  const supervisor = new Supervisor({
    remove: [directory],
    lastSignal: 'SIGTERM',
    afterwards: { command: 'docker', args: [...compose, 'down', '--volumes'] },
  })
  await makeDirectory(directory)
  const urlOf = (port: number) => `redis://:${PASSWORD}@127.0.0.1:${port}`
  const server = await startServer({
    name: 'Redis (docker compose)',
    supervisor,
    program: (port) => ({
      command: 'docker',
      args: [...compose, 'up', '--no-color', 'redis'],
      env: environment({ REDIS_PORT: String(port), REDIS_PASSWORD: PASSWORD }),
      log: join(directory, 'redis.log'),
    }),
    ask: (port) => ping(urlOf(port)),
    signals: { fast: 'SIGTERM', immediate: 'SIGTERM' },
  })
  const stop = () => server.stop()
  const url = urlOf(server.port)
  return { url, origin: 'docker compose', stop, [Symbol.asyncDispose]: stop }
}

/** Why there is no container to be had; absent where there is. */
async function refusalOfDocker(): Promise<string | undefined> {
  const options = { timeout: 20_000 }
  try {
    await run('docker', ['info', '--format', '{{.ServerVersion}}'], options)
  } catch {
    return 'no Docker engine answers'
  }
  return await run('docker', ['compose', 'version'], options).then(
    () => undefined,
    () => 'this Docker has no "compose" command',
  )
}

function environment(own: Record<string, string>): Record<string, string> {
  const all: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined) all[name] = value
  return { ...all, ...own }
}
