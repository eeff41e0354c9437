// Copies a directory to where another user can read it, once for all who ask.
//
// Only for what never changes under one name: the name has to carry the version.
// Invariant: a copy is complete before it gets its name, belongs to the user of this process, and
// no other user may write to it; so any number of processes may make and use it at the same time.
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
} from 'node:fs/promises'
import { join } from 'node:path'

/** A link to make in the copy: `path` in it, and what it points to from there. */
export interface Link {
  path: string
  to: string
}

export interface Tree {
  from: string
  /** Links that the copy has beside those of the original. */
  links: Link[]
  /** Names of files that the copy does without. */
  without: RegExp
}

/**
 * Makes the copy `to` of a tree unless there is a complete one, and resolves with its path.
 * Throws where `to` exists and belongs to, or is open to, somebody else.
 */
export async function copyTree(tree: Tree, to: string): Promise<string> {
  if (await isComplete(tree, to)) return to
  const aside = `${to}.${randomUUID()}`
  try {
    await build(tree, aside)
    await replace(tree, to, aside)
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  if (await isComplete(tree, to)) return to
  throw new Error(`the copy "${to}" is not what was copied`)
}

/** True where all files of the tree are at `to`, of equal size; others may have cleaned some up. */
async function isComplete(tree: Tree, to: string): Promise<boolean> {
  const top = await lstat(to).catch(() => undefined)
  if (!top) return false
  if (top.uid !== process.getuid?.() || !top.isDirectory() || (top.mode & 0o022) !== 0) {
    throw new Error(`"${to}" belongs to uid ${top.uid}, or others may write to it; remove it`)
  }
  const same = await Promise.all([
    ...(await entries(tree)).map((name) => isSame(join(tree.from, name), join(to, name))),
    ...tree.links.map(({ path }) => isThere(join(to, path))),
  ])
  return same.every(Boolean)
}

async function isSame(original: string, copy: string): Promise<boolean> {
  const [a, b] = await Promise.all([lstat(original), lstat(copy).catch(() => undefined)])
  return b !== undefined && (a.isDirectory() || a.size === b.size)
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined
}

async function build(tree: Tree, to: string): Promise<void> {
  await mkdir(to)
  await chmod(to, 0o755)
  for (const name of await entries(tree)) await copyEntry(join(tree.from, name), join(to, name))
  for (const { path, to: target } of tree.links) {
    if (!(await isThere(join(to, path)))) await symlink(target, join(to, path))
  }
}

async function copyEntry(original: string, copy: string): Promise<void> {
  const stats = await lstat(original)
  if (stats.isSymbolicLink()) return await symlink(await readlink(original), copy)
  if (stats.isDirectory()) await mkdir(copy)
  else await copyFile(original, copy, constants.COPYFILE_FICLONE)
  await chmod(copy, 0o755)
}

/** All paths in the tree, directories before what they hold. */
async function entries({ from, without }: Tree): Promise<string[]> {
  const names = await readdir(from, { recursive: true })
  return names.filter((name) => !without.test(name)).sort()
}

/** Puts `aside` at `to`, where another process may just have put its own, or left a broken one. */
async function replace(tree: Tree, to: string, aside: string): Promise<void> {
  const isPlaced = await rename(aside, to).then(
    () => true,
    () => false,
  )
  if (isPlaced || (await isComplete(tree, to))) return
  const broken = `${to}.${randomUUID()}`
  await rename(to, broken).catch(() => {})
  await rename(aside, to).catch(() => {})
  await rm(broken, { recursive: true, force: true })
}
