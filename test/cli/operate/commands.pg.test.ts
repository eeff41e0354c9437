// Commands of an operator who watches: runs, logs, status --watch, and settings from a file.
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { poison } from '../../dashboard/board-world.ts'
import { rehome } from '../../helpers/command.ts'
import { noPoison } from '../../helpers/moves/no-poison.ts'
import { programFile } from '../../helpers/processes/programs.ts'
import { createWorld, type World } from '../../helpers/world.ts'

describe('two runs, one of which is carried out meanwhile', () => {
  let world: World
  let first = ''
  let second = ''
  const command = async (...args: string[]) => await rehome(args, world.environment)

  beforeAll(async () => {
    world = await createWorld({ target: noPoison })
    for (const tenant of ['acme', 'bad', 'later']) await world.addTenant(tenant, 3)
    await poison(world, 'bad')
    const { rehome: library } = world
    first = (await library.enqueue(world.plan(), { tenants: ['acme', 'bad'] })).runId ?? ''
    second = (await library.enqueue(world.plan(), { tenants: ['later'] })).runId ?? ''
    await library.pause(second, { reason: 'not yet' })
  })

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]()
  })

  test('runs lists them, newest first, page by page', async () => {
    const { out, code } = await command('runs')
    expect(code).toBe(0)
    expect(out).toMatch(
      new RegExp(`${second} .* tester .* 1 queued, paused\\n${first} .* 2 queued\\n$`),
    )
    const page = await command('runs', '--limit', '1')
    expect(page.out).toContain(`older ones: rehome runs --before ${second}`)
    const older = await command('runs', '--before', second, '--json')
    expect(JSON.parse(older.out).runs.map((run: { id: string }) => run.id)).toEqual([first])
  })

  test('status --watch and logs --follow go on until it is over, as plain lines in a pipe', async () => {
    const watching = command('status', first, '--watch')
    const following = command('logs', first, 'bad', '--follow')
    await world.work()
    const { out, code } = await watching
    expect(out).toMatch(/^small-\w+: 0 of 2 tenants, time left not known yet$/m)
    expect(out).toMatch(/^acme {2}moved {2}30 rows {2}pause \d+/m)
    expect(out).toMatch(/^bad {2}failed {2}.*ROW_REJECTED: /m)
    expect(out).toMatch(/: 2 of 2 tenants, done\n$/)
    expect(out).not.toContain('\u001b')
    expect(code).toBe(3)
    const log = await following
    expect(log.out).toMatch(/#1 {2}phase {3}copy begins\n/)
    expect(log.out).toMatch(/#1 {2}failed {2}ROW_REJECTED: .*\n$/)
    const json = (await command('logs', first, 'bad', '--json')).out.trim().split('\n')
    expect(json.map((text) => JSON.parse(text).kind)).toContain('failed')
  })

  test('status of a run is paged, and names the command for the next page', async () => {
    const page = async (...more: string[]) => {
      const { out, code } = await command('status', first, '--json', '--limit', '1', ...more)
      expect(code).toBe(0)
      const { moves, total, nextSteps } = JSON.parse(out)
      return {
        tenants: moves.map((move: { tenant_id: string }) => move.tenant_id),
        total,
        nextSteps,
      }
    }
    const next = `rehome status ${first} --limit 1 --json --after=acme`
    expect(await page()).toMatchObject({ tenants: ['acme'], total: 2 })
    expect((await page()).nextSteps[0]).toBe(next)
    const last = await page('--after=acme')
    expect(last).toMatchObject({ tenants: ['bad'], total: 2 })
    expect(last.nextSteps.join()).not.toContain('--after')
    expect((await command('status', first, '--limit', '1')).out).toContain(
      `\n2 tenants in all, more: rehome status ${first} --limit 1 --after=acme\n`,
    )
    expect(await command('status', first, '--after', 'nobody')).toMatchObject({
      code: 2,
      error: expect.stringMatching(/^rehome: USAGE: tenant "nobody" is not in run/),
    })
  })

  test('a run or a tenant that does not exist is said in one line', async () => {
    expect(await command('logs', first, 'nobody')).toMatchObject({
      code: 2,
      error: expect.stringMatching(/^rehome: TENANT_UNKNOWN: .*\n$/),
    })
    expect((await command('status', 'nothing', '--watch')).code).toBe(2)
  })

  test('.env of the current folder gives what the environment lacks, unless it is not wanted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rehome-'))
    const { PATH, ...own } = world.environment
    const text = Object.entries(own).map(([name, value]) => `${name}="${value}"`)
    await writeFile(join(folder, '.env'), text.join('\n'))
    const runs = (...before: string[]) =>
      spawnSync(process.execPath, [programFile('dev/rehome.ts'), ...before, 'runs'], {
        ...{ cwd: folder, env: { PATH: PATH ?? '' }, encoding: 'utf8' },
      })
    const { status, stdout } = runs()
    const without = runs('--no-env-file')
    await rm(folder, { recursive: true })
    expect([status, stdout]).toEqual([0, expect.stringContaining(first)])
    expect([without.status, without.stderr]).toEqual([2, expect.stringContaining('CONTROL_URL')])
  })

  test('--env-file gives what the environment lacks, and nothing else', async () => {
    const { PATH: _, ...own } = world.environment
    const file = `.rehome/${first}.env`
    const text = Object.entries(own).map(([name, value]) => `${name}="${value}"`)
    await writeFile(file, text.join('\n'))
    try {
      const { out, code } = await rehome(['--env-file', file, 'runs'], {})
      expect([code, out]).toEqual([0, expect.stringContaining(first)])
      const wins = await rehome(['--env-file', file, 'runs'], { CONTROL_URL: 'nonsense' })
      expect(wins.code).not.toBe(0)
      expect(await rehome(['--env-file', 'no-such-file', 'runs'], {})).toMatchObject({
        code: 2,
        error: expect.stringMatching(/^rehome: USAGE: cannot read "no-such-file": .*\n$/),
      })
    } finally {
      await rm(file)
    }
  })
})
