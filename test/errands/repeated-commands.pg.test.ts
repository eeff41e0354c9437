// Commands that are repeated, or given in an unexpected order: no acknowledged write is lost.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { install } from '../../src/coordinator/installation.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import { rehome as command } from '../helpers/command.ts'
import { writePlanFile } from '../helpers/plans/plan-file.ts'
import { programFile } from '../helpers/processes/programs.ts'
import { ended, expectHome, flagsAt, moveOf, rowsAt, runAll, tryWrite } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const only = { attempts: 1 }
const keeps = `
  create function keep() returns trigger language plpgsql as 'begin return null; end';
  create trigger keeps before delete on tenants for each row execute function keep();
  alter table tenants enable always trigger keeps`

test('a clean-up that has begun leaves no way back, however it ended', async () => {
  await using world = await createWorld({ plan: only })
  await world.addTenant('acme')
  await using _worker = await world.work()
  const runId = await runAll(world)
  const rows = await rowsAt(world, 'target', 'acme')
  const asked = { tenants: ['acme'] }
  await world.source.pool.query(keeps)
  await world.rehome.cleanup(runId, asked)
  const failed = { phase: 'moved', error_code: 'PREFLIGHT_FAILED' }
  expect((await ended(world, runId)).get('acme')).toMatchObject(failed)
  expect((await moveOf(world, runId, 'acme')).evidence).toMatchObject({
    pauseMs: expect.any(Number),
  })
  for (const discardWrites of [false, true]) {
    const refused = { code: 'NOT_ALLOWED_NOW', message: expect.stringContaining('clean-up') }
    const back = world.rehome.rollback(runId, { ...asked, discardWrites })
    await expect(back).rejects.toMatchObject(refused)
  }
  expect(await rowsAt(world, 'target', 'acme')).toEqual(rows)
  await world.source.pool.query('drop trigger keeps on tenants')
  await world.rehome.cleanup(runId, asked)
  expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'cleaned' })
  expect(await rowsAt(world, 'target', 'acme')).toEqual(rows)
})

/** A write of the target's own, begun before the end is closed. */
async function writerAtTarget(world: World) {
  const client = await world.target.pool.connect()
  await client.query(`begin; insert into tenants values ('acme', 'theirs');
    insert into notes (id, tenant_id, body) values (9000, 'acme', 'theirs')`)
  return client
}

test.each(['the next attempt', 'a rollback'])(
  'rows of others that came while the target closed are not taken for ours by %s',
  async (who) => {
    const fence = { leaseMs: 3_000, drainMs: 300 }
    await using world = await createWorld({ plan: { attempts: 1, fence } })
    await world.addTenant('acme')
    await using _worker = await world.work()
    const client = await writerAtTarget(world)
    const runId = await runAll(world)
    expect(await moveOf(world, runId, 'acme')).toMatchObject({ error_code: 'DRAIN_TIMEOUT' })
    await client.query('commit')
    client.release()
    if (who === 'a rollback') await world.rehome.rollback(runId, { tenants: ['acme'] })
    else await world.rehome.retry(runId)
    const move = (await ended(world, runId)).get('acme')
    if (who === 'a rollback') expect(move).toMatchObject({ phase: 'rolled_back' })
    else expect(move).toMatchObject({ phase: 'failed', error_code: 'TARGET_NOT_EMPTY' })
    const theirs = await world.target.pool.query(`select body from notes where id = 9000`)
    expect(theirs.rows).toEqual([{ body: 'theirs' }])
    expect(await flagsAt(world, 'target')).toEqual([])
    expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  },
)

/** A worker that dies there; its move is left as it was. */
async function dieAt(world: World, at: string, changes: Partial<PlanInput>): Promise<string> {
  const env = { PLAN_CHANGES: JSON.stringify(changes), FAIL_TENANT: 'acme', FAIL_AT: at }
  const script = [programFile('test/helpers/processes/worker-process.ts')]
  const child = spawn(process.execPath, script, {
    env: { ...process.env, ...world.environment, ...env, FAIL_SIGNAL: 'SIGKILL' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const runId = (await world.rehome.enqueue(world.plan())).runId ?? ''
  await once(child, 'exit')
  return runId
}

test('a cutover that was only intended is given up where the plan no longer fits', async () => {
  const plan = { fence: { leaseMs: 600_000, drainMs: 2_000 } }
  await using world = await createWorld({ plan })
  await world.addTenant('acme')
  const runId = await dieAt(world, 'before cutover source flags 1', plan)
  expect(await moveOf(world, runId, 'acme')).toMatchObject({ phase: 'cutover', open: true })
  expect(await tryWrite(world, 'source', 'acme')).toBe('25006 rehome:fenced')
  await world.source.pool.query('create table late (tenant_id text references tenants (id))')
  await using _worker = await world.work()
  const failed = { phase: 'failed', error_code: 'PREFLIGHT_FAILED' }
  expect((await ended(world, runId)).get('acme')).toMatchObject(failed)
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
})

test('a pause goes on counting when another worker takes the fence over', async () => {
  const plan = { attempts: 5, fence: { leaseMs: 600_000, drainMs: 2_000 } }
  await using world = await createWorld({ plan: { ...plan, pause: { budgetMs: 30_000 } } })
  await world.addTenant('acme', 100)
  const runId = await dieAt(world, 'before copy target 8', { ...plan, pause: { budgetMs: 30_000 } })
  const longAgo = `update rehome.tenant_flags set raised_at = now() - interval '1 minute'`
  expect((await world.source.pool.query(longAgo)).rowCount).toBe(1)
  await using _worker = await world.work()
  expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved', attempt: 3 })
  const { events } = await world.rehome.show(runId, 'acme')
  expect(events.map(({ message }) => message).join()).toContain('PAUSE_OVER_BUDGET')
  await expectHome(world, 'acme', 'target')
})

test('a plan of another scope over the same tables opens nothing', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  await using _worker = await world.work()
  await runAll(world)
  await expectHome(world, 'acme', 'target')
  const { environment } = world
  const settings = { controlUrl: environment.CONTROL_URL ?? '', environment }
  const plan = checkPlan(world.plan({ name: 'billing', scope: 'billing' }))
  await install({ ...settings, redisUrl: environment.REDIS_URL }, [plan])
  await expectHome(world, 'acme', 'target')
})

test('a control database that has forgotten its turns is put right by `init`', async () => {
  await using file = await writePlanFile(`['acme']`)
  await using world = await createWorld()
  await world.addTenant('acme')
  const worker = await world.work([file.plan])
  const first = (await world.rehome.enqueue(file.plan)).runId ?? ''
  await ended(world, first)
  await world.rehome.rollback(first, { tenants: ['acme'] })
  await ended(world, first)
  await world.control.pool.query('alter sequence rehome_control.turns restart')
  const second = (await world.rehome.enqueue(file.plan)).runId ?? ''
  expect((await ended(world, second)).get('acme')).toMatchObject({ error_code: 'MOVE_TAKEN_OVER' })
  const init = await command(['init', file.path], world.environment)
  expect([init.code, init.out]).toEqual([0, expect.stringContaining('turns up to 2')])
  expect((await command(['init', file.path], world.environment)).out).toBe('nothing is pending\n')
  await world.rehome.retry(second)
  expect((await ended(world, second)).get('acme')).toMatchObject({ phase: 'moved' })
  await worker.close()
})

test('one database for both ends is refused before anything is begun', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  const url = new URL(world.source.url)
  if (url.hostname === '127.0.0.1') url.hostname = 'localhost'
  Object.assign(world.environment, { TARGET_URL: url.href })
  const [finding] = await world.rehome.check(world.plan())
  expect(finding).toMatchObject({
    where: 'target',
    message: expect.stringContaining('`targetScope`'),
  })
  await expect(world.rehome.enqueue(world.plan())).rejects.toMatchObject({
    code: 'PREFLIGHT_FAILED',
  })
  expect(await flagsAt(world, 'source')).toEqual([])
})

test('uninstall removes nothing where one of the ends still needs its fence', async () => {
  await using file = await writePlanFile(`['acme']`)
  await using world = await createWorld()
  await world.addTenant('acme')
  await using _worker = await world.work([file.plan])
  const runId = (await world.rehome.enqueue(file.plan)).runId ?? ''
  await ended(world, runId)
  await world.rehome.rollback(runId, { tenants: ['acme'] })
  await ended(world, runId)
  const refused = await command(['uninstall', file.path], world.environment)
  expect([refused.code, refused.out]).toEqual([3, ''])
  expect(refused.error.trim().split('\n')).toHaveLength(1)
  await expectHome(world, 'acme', 'source')
  const forced = await command(['uninstall', file.path, '--force'], world.environment)
  expect(forced.code).toBe(0)
  for (const end of [world.source, world.target]) {
    expect((await end.pool.query(`select to_regnamespace('rehome') as n`)).rows[0].n).toBeNull()
  }
})
