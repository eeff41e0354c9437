/** Reads migration files: those named, those in folders, or standard input. */
import { execFile } from 'node:child_process'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { buffer as bytesOf } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { messageOf, RehomeError } from '../errors.ts'
import { contentOf, isMigration } from './migration-tools.ts'
import type { SourceFile } from './source-file.ts'

const standardInput = '-'

/**
 * Files in the order in which tools run them. With `since`, only files that differ from that
 * revision are reported. Throws USAGE for what cannot be read, and where there is no migration.
 */
export async function readMigrations(
  paths: readonly string[],
  since?: string,
): Promise<SourceFile[]> {
  const all = (await Promise.all(paths.map(filesAt))).flat()
  const files = [...new Set(all)].sort(byVersion)
  const changed = since === undefined ? null : await changedSince(since, await folderOf(files))
  if (files.length === 0) {
    throw new RehomeError('USAGE', `no migration file in ${paths.map((p) => `"${p}"`).join(', ')}`)
  }
  const isReported = async (path: string) =>
    !changed || path === standardInput || changed.has(await real(resolve(path)))
  return await Promise.all(
    files.map(async (path) => ({
      ...(await withSettings(sourceFile(path, await read(path)))),
      isReported: await isReported(path),
    })),
  )
}

export function sourceFile(path: string, text: string): SourceFile {
  return { path, ...contentOf(path, text), isReported: true }
}

async function folderOf(files: readonly string[]): Promise<string> {
  const [first] = files.filter((path) => path !== standardInput)
  return first === undefined ? process.cwd() : dirname(await real(resolve(first)))
}

async function read(path: string): Promise<string> {
  if (path === standardInput) return decoded(await bytesOf(process.stdin))
  return decoded(await readFile(path).catch(unreadable(path)))
}

/** UTF-8, unless a mark at the beginning tells UTF-16, as Windows writes it. */
function decoded(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex')
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8'
  return new TextDecoder(encoding).decode(bytes)
}

/** Flyway's settings of one file. */
async function withSettings(file: SourceFile): Promise<SourceFile> {
  const settings = await readFile(`${file.path}.conf`, 'utf8').catch(() => '')
  const isAlone = /^\s*executeInTransaction\s*=\s*false\b/m.test(settings)
  return isAlone ? { ...file, wrapping: 'none' } : file
}

/** Throws USAGE. */
function unreadable(path: string): (error: unknown) => never {
  return (cause) => {
    throw new RehomeError('USAGE', `"${path}" cannot be read: ${messageOf(cause)}`, { cause })
  }
}

/** V2 comes before V10. */
function byVersion(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true })
}

async function filesAt(path: string): Promise<string[]> {
  if (path === standardInput) return [path]
  const stats = await stat(path).catch(unreadable(path))
  // A file that is named is one, whatever it is called.
  return stats.isDirectory() ? await migrationsIn(path) : [path]
}

async function migrationsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const nested = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name)
      const isHidden = entry.name.startsWith('.') || entry.name === 'node_modules'
      if (entry.isDirectory()) return isHidden ? [] : await migrationsIn(path)
      const isFile = entry.isFile() || (entry.isSymbolicLink() && (await leadsToFile(path)))
      return isFile && isMigration(asPosix(resolve(path))) ? [path] : []
    }),
  )
  return nested.flat()
}

/** Links to folders are not followed: they may lead back. */
async function leadsToFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  )
}

function asPosix(path: string): string {
  return path.replaceAll('\\', '/')
}

const run = promisify(execFile)

/** Absolute paths of files of this repository that differ from the revision, new ones too. */
async function changedSince(revision: string, folder: string): Promise<ReadonlySet<string>> {
  const git = async (...args: string[]) => (await run('git', ['-C', folder, ...args])).stdout.trim()
  try {
    const top = await git('rev-parse', '--show-toplevel')
    const named = await git('rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`)
    const base = await git('merge-base', named, 'HEAD').catch(() => named)
    const all = ['-C', top]
    const changed = await git(...all, 'diff', '--name-only', '-z', base)
    const added = await git(...all, 'ls-files', '--others', '--exclude-standard', '-z')
    const names = `${changed}\0${added}`.split('\0').filter(Boolean)
    return new Set(await Promise.all(names.map(async (name) => await real(join(top, name)))))
  } catch (error) {
    const message = `git does not know what changed since "${revision}": ${messageOf(error)}`
    throw new RehomeError('USAGE', message, { cause: error })
  }
}

/** Git resolves symbolic links in the path of a repository. */
async function real(path: string): Promise<string> {
  return await realpath(path).catch(() => path)
}

/** Path within the working directory, as reports have it. */
export function shownPath(path: string): string {
  const own = asPosix(relative(process.cwd(), resolve(path)))
  return path === standardInput || own.startsWith('../') ? path : own
}
