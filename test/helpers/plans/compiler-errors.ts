// What TypeScript says of plans, one file each, as it says it to their authors.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The errors of each text, in their order; all texts are checked together, in about 2 s. */
export async function compilerErrors(texts: readonly string[]): Promise<string[]> {
  await mkdir(join(root, '.rehome'), { recursive: true })
  const folder = await mkdtemp(join(root, '.rehome', 'types-'))
  try {
    await Promise.all(texts.map((text, i) => writeFile(join(folder, `${i}.ts`), text)))
    const settings = { extends: join(root, 'tsconfig.json'), include: [`${folder}/*.ts`] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    const args = [await compiler(), '-p', folder, '--pretty', 'false']
    const out = await run(process.execPath, args, { cwd: folder }).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    )
    // A message begins with its file; lines that go on with it are indented.
    const messages = out.split(/^(?=\S)/m)
    return texts.map((_, i) => messages.filter((text) => text.startsWith(`${i}.ts(`)).join(''))
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function compiler(): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
  const { bin } = JSON.parse(await readFile(manifest, 'utf8')) as { bin: { tsc: string } }
  return join(dirname(manifest), bin.tsc)
}
