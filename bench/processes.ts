/**
 * The costs of a process so far, from /proc. Unknown where there is no /proc (macOS,
 * Windows).
 */
import { readFile } from 'node:fs/promises'

/** The unit of /proc/PID/stat: 10 ms on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100

export interface Cpu {
  readonly ownS: number
  /**
   * The costs of children that have ended. A postmaster's are the backends of closed connections.
   */
  readonly endedChildrenS: number
}

/** CPU time in seconds, user and system. null where it cannot be known. */
export async function cpuOf(pid: number): Promise<Cpu | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  if (text === null) return null
  // The second field is a name in parentheses that may hold blanks; the third begins behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const seconds = (first: number) =>
    (Number(fields[first]) + Number(fields[first + 1])) / TICKS_PER_SECOND
  return { ownS: seconds(11), endedChildrenS: seconds(13) }
}

/** How many children the process has that run or are not buried yet. null: not known. */
export async function childrenOf(pid: number): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => null)
  return text === null ? null : text.split(' ').filter(Boolean).length
}

/** CPU time in seconds of a process, its children that run, and those that have ended. */
export async function cpuOfFamily(pid: number): Promise<number | null> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => null)
  const own = await cpuOf(pid)
  if (children === null || own === null) return null
  const each = await Promise.all(children.split(' ').filter(Boolean).map(Number).map(cpuOf))
  return each.reduce((sum, cpu) => sum + (cpu?.ownS ?? 0), own.ownS + own.endedChildrenS)
}

/** The largest resident set that the process ever had, in MB. null: not known. */
export async function peakMemoryOf(pid: number): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => null)
  const kb = /^VmHWM:\s+(\d+) kB$/m.exec(text ?? '')?.[1]
  return kb === undefined ? null : Number(kb) / 1024
}
