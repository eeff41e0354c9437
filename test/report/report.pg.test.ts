// Reports of real runs, by the command and by the library.
import { readdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifyReport } from '../../src/index.ts'
import { poison } from '../dashboard/board-world.ts'
import { plantRun } from '../dashboard/runs/plant-run.ts'
import { rehome } from '../helpers/command.ts'
import { noPoison } from '../helpers/moves/no-poison.ts'
import { runAll } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'
import { type Files, newKey, temporaryFiles } from './sample.ts'

const signer = newKey()
let world: World
let files: Files
let runId: string
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  files = await temporaryFiles()
  world = await createWorld({ target: noPoison })
  await world.addTenant('acme', 30)
  await world.addTenant('bad')
  await poison(world, 'bad')
  const worker = await world.work()
  runId = await runAll(world)
  await world.rehome.rollback(runId, { tenants: ['acme'], by: 'ann', reason: 'wrong quarter' })
  for await (const _ of world.rehome.watch(runId));
  await worker.close()
  environment = { ...world.environment, REHOME_SIGNING_KEY: signer.privatePem }
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await files[Symbol.asyncDispose]()
})

test('a signed page of a run is written as a whole, and agrees with its signature', async () => {
  const path = `${await files.write('')}.html`
  const key = await files.write(signer.publicPem)
  expect(await rehome(['report', runId, '--out', path], environment)).toMatchObject({
    ...{ code: 0, out: '', error: '' },
  })
  const told = await rehome(['report', '--verify', path, '--key', key])
  expect([told.code, told.error]).toEqual([0, ''])
  expect(told.out).toContain('is as it was signed, with the key ')
  const page = await readFile(path, 'utf8')
  expect(page).toContain('rollback asked for by ann: wrong quarter')
  const changed = await files.write(page.replace('wrong quarter', 'right quarter'))
  const refused = await rehome(['report', '--verify', changed, '--key', key])
  expect([refused.code, refused.out]).toEqual([4, ''])
  expect(refused.error).toMatch(/^rehome: REPORT_ALTERED: /)
})

test('the JSON has who asked, what was compared, what failed, and no secret', async () => {
  const { code, out } = await rehome(['report', runId, '--json'], environment)
  expect(code).toBe(0)
  const { report } = JSON.parse(out)
  const { run } = await world.rehome.status(runId)
  expect(report.run).toMatchObject({
    ...{ id: runId, plan: 'small', planFingerprint: run.plan_fingerprint, enqueuedBy: 'tester' },
    ...{ source: run.source, target: run.target, rehomeVersion: run.rehome_version },
  })
  const [acme, bad] = report.tenants
  expect(acme).toMatchObject({ tenant: 'acme', phase: 'rolled_back', rowsCopied: 111 })
  expect(acme.tables).toContainEqual(
    expect.objectContaining({ table: 'notes', read: 30, found: 30, equal: true }),
  )
  expect(acme.events).toContainEqual(
    expect.objectContaining({ kind: 'asked', by: 'ann', reason: 'wrong quarter' }),
  )
  expect(acme.durationMs).toBeGreaterThan(0)
  expect(acme.pauseMs).toBeGreaterThan(0)
  expect(bad).toMatchObject({ tenant: 'bad', phase: 'failed', failures: 1 })
  expect(report.totals).toMatchObject({ tenants: 2, phases: { failed: 1, rolled_back: 1 } })
  const secrets = await world.control.pool.query(
    'select token, epoch from rehome_control.moves where run_id = $1',
    [runId],
  )
  for (const { token, epoch } of secrets.rows) {
    for (const secret of [token, epoch]) if (secret) expect(out).not.toContain(secret)
  }
})

test('a report without a key says so, and is refused by --verify', async () => {
  const { code, out, error } = await rehome(['report', runId], world.environment)
  expect([code, error]).toEqual([0, 'not signed: REHOME_SIGNING_KEY is not set\n'])
  const path = await files.write(out)
  await expect(verifyReport(path)).rejects.toMatchObject({ code: 'REPORT_UNTRUSTED' })
})

test.each([
  [['report'], 'USAGE'],
  [['report', 'no-such-run'], 'RUN_UNKNOWN'],
  [['report', 'x', '--csv', '--json'], 'USAGE'],
  [['report', 'x', '--key', 'k'], 'USAGE'],
  [['report', 'x', '--verify', 'f'], 'USAGE'],
  [['report', '--verify', '/no/such/file'], 'USAGE'],
])('refuses %j with exit code 2 and %s', async (args, code) => {
  const refused = await rehome(args, world.environment)
  expect([refused.code, refused.out]).toEqual([2, ''])
  expect(refused.error).toContain(`rehome: ${code}: `)
})

test('a file that cannot be written whole is not there, nor is a part of it', async () => {
  const path = await files.write('as before')
  const refused = await rehome(['report', 'no-such-run', '--out', path], environment)
  expect(refused.code).toBe(2)
  expect(await readFile(path, 'utf8')).toBe('as before')
})

test('a reader that stops halfway leaves no file behind', async () => {
  await using own = await temporaryFiles()
  const folder = dirname(await own.write(''))
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder
  try {
    for await (const _ of world.rehome.report(runId)) {
      expect(await readdir(folder)).toEqual(['1'])
      break
    }
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
})

test('every tenant of a run of several pages is in its report, once', async () => {
  await plantRun(world, 'many', 450)
  let csv = ''
  for await (const text of world.rehome.report('many', { format: 'csv' })) csv += text
  const names = csv.split('\r\n').map((line) => line.split(',')[1])
  const expected = Array.from(
    { length: 450 },
    (_, i) => `"tenant ${String(i + 1).padStart(6, '0')}"`,
  )
  expect(names.slice(1, -1)).toEqual(expected)
})
