// Leftovers of dead workers are finished by others: an application that received the key, the
// loop in any worker, or the first writer.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { sharedEnds } from '../../src/ends/end.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import { reap } from '../../src/stages/reap.ts'
import { createRolesWorld } from '../access/roles-world.ts'
import { raiseFence } from '../helpers/fenced.ts'
import { programFile } from '../helpers/processes/programs.ts'
import { ended, expectHome, flagsAt, rowsAt, tryWrite } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

/** Moves the tenant up to its cutover, and dies before it opens the target. */
async function dieBeforeRelease(world: World, tenant: string): Promise<string> {
  const env = { FAIL_TENANT: tenant, FAIL_AT: 'before release target flags 1' }
  const child: ChildProcess = spawn(
    process.execPath,
    [programFile('test/helpers/processes/worker-process.ts')],
    {
      env: { ...process.env, ...world.environment, ...env, FAIL_SIGNAL: 'SIGKILL' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: [tenant] })
  await once(child, 'exit')
  // The target is opened before the control database knows it.
  const [move] = (await world.rehome.status(runId ?? '')).moves
  expect(move?.phase).toMatch(/^(cutover|release)$/)
  return runId ?? ''
}

async function reapOnce(world: World) {
  const ends = sharedEnds(openEnds(checkPlan(world.plan()), world.environment))
  try {
    return await reap('default', ends, world.rehome.control)
  } finally {
    await closeEnds(ends)
  }
}

const refused = '25006 rehome:fenced'

test('with every worker gone, an application opens the new home by the key in a refusal', async () => {
  await using world = await createRolesWorld()
  await world.addTenant('acme')
  const runId = await dieBeforeRelease(world, 'acme')
  expect(await tryWrite(world, 'target', 'acme')).toBe(refused)
  const application = world.poolAt('target', 'application')
  const open = async (key: string) => {
    const query = `select rehome.open_with_key('default', 'acme', $1) as opened`
    return (await application.query(query, [key])).rows[0].opened
  }
  const write = `update notes set body = 'x' where tenant_id = 'acme'`
  const refusal: unknown = await world.source.pool.query(write).catch((error: unknown) => error)
  const detail = JSON.parse((refusal as pg.DatabaseError).detail ?? '{}')
  expect(detail).toMatchObject({ mode: 'moved', key: expect.any(String) })
  expect(await open(randomUUID())).toBe(false)
  expect(await tryWrite(world, 'target', 'acme')).toBe(refused)
  expect(await open(detail.key)).toBe(true)
  await expectHome(world, 'acme', 'target')
  expect(await open(detail.key)).toBe(false)
  await using _worker = await world.work()
  expect((await ended(world, runId)).get('acme')).toMatchObject({ phase: 'moved' })
  await expectHome(world, 'acme', 'target')
})

test('a refusal before the cutover tells no key', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  const raise = { scope: 'default', tenant: 'acme', token: randomUUID(), epoch: randomUUID() }
  const why = { moveId: randomUUID(), reason: 'test', retryAfterS: 1, leaseMs: 60_000 }
  await raiseFence(world.source.pool, { ...raise, ...why })
  const write = `update notes set body = 'x' where tenant_id = 'acme'`
  const refusal: unknown = await world.source.pool.query(write).catch((error: unknown) => error)
  expect(JSON.parse((refusal as pg.DatabaseError).detail ?? '{}')).toMatchObject({ key: null })
})

test('the reaper opens a home whose cutover is committed, and nothing else', async () => {
  await using world = await createWorld()
  for (const tenant of ['acme', 'other']) await world.addTenant(tenant)
  await dieBeforeRelease(world, 'acme')
  const claim = `insert into rehome.tenant_flags
      (scope, tenant_id, mode, token, epoch, move_id, reason, retry_after_s, opened_by)
    values ('default', 'other', 'receiving', $1, $1, $1, 'test', 1, $1)`
  await world.target.pool.query(claim, [randomUUID()])
  const opened = { tenant: 'acme', end: 'target', what: 'opened after its cutover' }
  expect(await reapOnce(world)).toEqual([opened])
  await expectHome(world, 'acme', 'target')
  expect(await rowsAt(world, 'target', 'acme')).not.toEqual([])
  expect(await reapOnce(world)).toEqual([])
  expect(await flagsAt(world, 'target')).toEqual([['other', 'receiving']])
})

test('the reaper lowers lapsed fences, except of moves that an attempt will go on with', async () => {
  await using world = await createWorld()
  for (const tenant of ['over', 'open', 'held']) await world.addTenant(tenant)
  const fence = async (tenant: string, leaseMs: number) => {
    const ids = { token: randomUUID(), epoch: randomUUID(), moveId: randomUUID() }
    const why = { scope: 'default', reason: 'test', retryAfterS: 1 }
    await raiseFence(world.source.pool, { ...ids, ...why, tenant, leaseMs })
  }
  await fence('over', 1)
  await fence('open', 1)
  await fence('held', 60_000)
  await world.rehome.enqueue(world.plan(), { tenants: ['open'] })
  const lowered = { tenant: 'over', end: 'source', what: 'lapsed fence lowered' }
  expect(await reapOnce(world)).toEqual([lowered])
  expect(await flagsAt(world, 'source')).toEqual([
    ['held', 'read_only'],
    ['open', 'read_only'],
  ])
})
