/**
 * Stops a server with all its processes, so that it hangs: connections stay open and get no
 * answers, until it is let go on.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Returns what lets it go on. `pid`: a process that was started here. */
export async function hang(pid: number): Promise<() => Promise<void>> {
  // The first one makes no more processes once it has stopped.
  signal([pid], 'SIGSTOP')
  signal(await childrenOf(pid), 'SIGSTOP')
  return async () => signal([...(await childrenOf(pid)), pid], 'SIGCONT')
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-Ao', 'pid=,ppid='])
  const pairs = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  const children = pairs.filter(([, parent]) => parent === pid).map(([child]) => child ?? 0)
  return children.filter((child) => child > 1)
}

function signal(pids: readonly number[], name: 'SIGSTOP' | 'SIGCONT'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch {
      // It has ended meanwhile.
    }
  }
}
