// A program of this repository as plain JavaScript, as users run it: it starts in a third of the
// time that a loader takes, and needs less of everything.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../', import.meta.url))
// Types are checked by `npm run check`.
const output = { declaration: false, sourceMap: false, noCheck: true }

export interface CompiledProgram extends AsyncDisposable {
  readonly file: string
}

/** Inside the project, where modules are found; about 1 s. `source` is a path from its root. */
export async function compileProgram(source: string): Promise<CompiledProgram> {
  const { directory, ...disposable } = await compilePrograms([source])
  return { file: compiledFile(directory, source), ...disposable }
}

export interface CompiledPrograms extends AsyncDisposable {
  readonly directory: string
}

/** Several at once, which takes no longer than one. */
export async function compilePrograms(sources: readonly string[]): Promise<CompiledPrograms> {
  await mkdir(join(root, '.rehome'), { recursive: true })
  const directory = await mkdtemp(join(root, '.rehome', 'compiled-'))
  const settings = {
    extends: join(root, 'tsconfig.build.json'),
    compilerOptions: { ...output, rootDir: root, outDir: directory },
    include: sources.map((source) => join(root, source)),
  }
  const project = join(directory, 'tsconfig.json')
  await writeFile(project, JSON.stringify(settings))
  await run(process.execPath, [await compiler(), '-p', project], { cwd: root })
  const remove = () => rm(directory, { recursive: true, force: true })
  return { directory, [Symbol.asyncDispose]: remove }
}

export function compiledFile(directory: string, source: string): string {
  return join(directory, source.replace(/\.ts$/, '.js'))
}

async function compiler(): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
  const { bin } = JSON.parse(await readFile(manifest, 'utf8')) as { bin: { tsc: string } }
  return join(dirname(manifest), bin.tsc)
}
