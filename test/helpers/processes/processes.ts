// Looks at what servers leave on a machine: processes and directories.
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whether there is a process of this id; one that this user may not signal is there, too. */
export function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** A directory that any user can reach, as those for temporary files are. */
export async function makePlace(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'rehome-place-'))
  await chmod(path, 0o755)
  const remove = () => rm(path, { recursive: true, force: true })
  return { path, [Symbol.asyncDispose]: remove }
}

/** The directories in `place` of servers called `name`. */
export async function directoriesOf(name: string, place: string): Promise<string[]> {
  return (await readdir(place)).filter((entry) => entry.startsWith(`rehome-${name}-`))
}
