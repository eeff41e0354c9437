// A bench as a process of its own, as `npm run bench` starts it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { programFile } from './programs.ts'

export function startBench(args: readonly string[], environment: Record<string, string> = {}) {
  const env = { ...process.env, ...environment }
  const child = spawn(process.execPath, [programFile('bench/main.ts'), ...args], { env })
  const said = { out: '', error: '' }
  child.stdout.on('data', (bytes) => {
    said.out += bytes
  })
  child.stderr.on('data', (bytes) => {
    said.error += bytes
  })
  return { child, said, ended: once(child, 'close').then(([code]) => code as number | null) }
}
