// A folder of its own for the files of a test.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export type Folder = Awaited<ReturnType<typeof openFolder>>

export async function openFolder(name: string) {
  const path = await mkdtemp(join(tmpdir(), name))
  return {
    path,
    /** Writes a file, with the folders above it, and returns its path. */
    async write(file: string, text: string): Promise<string> {
      const whole = join(path, file)
      await mkdir(dirname(whole), { recursive: true })
      await writeFile(whole, text)
      return whole
    },
    remove: () => rm(path, { recursive: true }),
  }
}
