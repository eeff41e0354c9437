// Finds a user to run servers as that refuse to be root, and places that this user can reach.
//
// It creates no users. Where this process is not root, servers run as its own user.
// Invariant: only the owner can list or change a directory made here, and none lies in a
// directory of a lesser user's: root never writes where that user might have left a link.
import { randomUUID } from 'node:crypto'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readFile,
  realpath,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Numeric ids, as `spawn` takes them. */
export interface User {
  uid: number
  gid: number
}

const MEMORY = '/dev/shm'
/** The type that `statfs` gives to a Linux file system held in memory. */
const TMPFS = 0x01021994
const GIB = 1024 ** 3

/** In this order: a user that owns nothing first. */
const CANDIDATES = ['nobody', 'postgres', 'daemon']

/** The user to run a server as; absent where this process is not root and may run it itself. */
export async function serverUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const users = parsePasswd(await readFile('/etc/passwd', 'utf8'))
  for (const name of CANDIDATES) {
    const user = users.get(name)
    if (user && user.uid !== 0) return user
  }
  throw new Error(
    `PostgreSQL refuses to run as root, and none of these users exists: ${CANDIDATES}`,
  )
}

/** Directories for temporary files that `user` can reach, most wanted first. */
export async function temporaryRoots(user: User | undefined): Promise<string[]> {
  const roots: string[] = []
  for (const root of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    if (await isReachable(root, user)) roots.push(root)
  }
  return roots
}

/** A name, not yet taken, for a throw-away directory in a place that `user` can reach. */
export async function temporaryPath(name: string, user: User | undefined): Promise<string> {
  const memory = (await hasRoomInMemory()) ? [MEMORY] : []
  const [root] = [...memory, ...(await temporaryRoots(user))]
  if (!root) throw new Error(`no directory for temporary files is open to uid ${user?.uid}`)
  return join(root, `rehome-${name}-${randomUUID().slice(0, 8)}`)
}

/**
 * Whether a throw-away directory had better lie in memory: if there is room, and TMPDIR does not
 * say otherwise. A database is 300 files; some disks take 0.3 s to make them, memory 10 ms.
 */
async function hasRoomInMemory(): Promise<boolean> {
  if (process.env.TMPDIR) return false
  const found = await statfs(MEMORY).catch(() => undefined)
  if (found?.type !== TMPFS) return false
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY
  const free = Math.min(freemem(), limit)
  return found.bavail * found.bsize >= 4 * GIB && free >= 8 * GIB
}

/** Makes `directory`, which this process alone may read; `passing` may reach what lies in it. */
export async function makeDirectory(directory: string, passing?: User): Promise<void> {
  await mkdir(directory, { recursive: true })
  const { uid } = await lstat(directory)
  const own = process.getuid?.() ?? uid
  if (uid !== own) throw new Error(`"${directory}" belongs to uid ${uid}, not to uid ${own}`)
  await chmod(directory, passing ? 0o711 : 0o700)
  if (await isReachable(directory, passing)) return
  throw new Error(`uid ${passing?.uid}, which runs the server, cannot reach "${directory}"`)
}

/** Makes `directory`, in one of this process's own, for `user` alone. It may be its already. */
export async function makeDirectoryFor(user: User | undefined, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  if (user) await chown(directory, user.uid, user.gid)
}

/** Writes a file of this process's own that only `user` may read. */
export async function writeFor(user: User | undefined, path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 })
  if (!user) return
  await chown(path, -1, user.gid)
  await chmod(path, 0o640)
}

/** Whether `user` may pass through `directory` and all that it lies in, by their mode bits. */
async function isReachable(directory: string, user: User | undefined): Promise<boolean> {
  const real = await realpath(directory).catch(() => undefined)
  if (real === undefined || user === undefined) return real !== undefined
  for (let path = real; ; path = dirname(path)) {
    if (!isSearchable(await stat(path), user)) return false
    if (path === dirname(path)) return true
  }
}

function isSearchable(of: { mode: number; uid: number; gid: number }, user: User): boolean {
  if (of.uid === user.uid) return (of.mode & 0o100) !== 0
  if (of.gid === user.gid) return (of.mode & 0o010) !== 0
  return (of.mode & 0o001) !== 0
}

function parsePasswd(text: string): Map<string, User> {
  const users = new Map<string, User>()
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':')
    if (name && uid && gid) users.set(name, { uid: Number(uid), gid: Number(gid) })
  }
  return users
}
