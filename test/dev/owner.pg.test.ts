import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { startChild } from '../helpers/processes/child.ts'
import { directoriesOf, isAlive, makePlace } from '../helpers/processes/processes.ts'

describe('the owner of a PostgreSQL server', () => {
  test('killed by SIGKILL takes the server and its directory with it', async () => {
    const owner = startChild('server-owner', { args: ['stay'] })
    const { pid, directory } = serverOf(await owner.next())
    expect(isAlive(pid)).toBe(true)
    owner.kill('SIGKILL')
    await eventually(() => expect(isAlive(pid)).toBe(false))
    await eventually(() => expect(existsSync(directory)).toBe(false))
  })

  test('killed while the cluster is being made leaves nothing behind', async () => {
    await using place = await makePlace()
    const env = { TMPDIR: place.path }
    const owner = startChild('server-owner', { args: ['stay'], env })
    await eventually(async () => {
      const [name] = await directoriesOf('owned', place.path)
      expect(await readdir(join(place.path, name ?? 'none'))).toContain('data')
    })
    owner.kill('SIGKILL')
    await eventually(async () => expect(await directoriesOf('owned', place.path)).toEqual([]))
  })

  test('may return without stopping it: neither waits for the other', async () => {
    const owner = startChild('server-owner', { args: ['leave'] })
    const { pid, directory } = serverOf(await owner.next())
    expect(await owner.exited()).toBe(0)
    await eventually(() => expect(isAlive(pid)).toBe(false))
    await eventually(() => expect(existsSync(directory)).toBe(false))
  })

  test('still has it while it winds up after a Ctrl-C in the terminal', async () => {
    const args = ['answer-then-leave']
    const owner = startChild('server-owner', { args, detached: true })
    const { pid } = serverOf(await owner.next())
    process.kill(-owner.pid, 'SIGINT')
    expect(await owner.next()).toEqual({ rows: [{ answer: 42 }] })
    expect(await owner.exited()).toBe(0)
    await eventually(() => expect(isAlive(pid)).toBe(false))
  })
})

function serverOf({ pid, directory }: Record<string, unknown>): { pid: number; directory: string } {
  if (typeof pid === 'number' && typeof directory === 'string') return { pid, directory }
  throw new Error(`not a server: pid ${pid}, directory ${directory}`)
}
