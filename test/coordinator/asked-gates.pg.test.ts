// Gates between waves that ask: audits of the ways back, and a check of the plan's own.
import { expect, test } from 'vitest'
import { sql } from '../../src/plan/sql-text.ts'
import type { GateCheck } from '../../src/plan/waves.ts'
import { eventually } from '../helpers/eventually.ts'
import { moveOf } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

type Asked = Parameters<GateCheck>[0]

test('a wave whose ways back are to be audited is followed when all of them are open', async () => {
  const rollback = { windowMs: 600_000 }
  await using world = await createWorld({
    ...{ plan: { attempts: 1, rollback }, reconcileEveryMs: 100 },
  })
  for (const tenant of ['a', 'b', 'c']) await world.addTenant(tenant, 1)
  const waves = [
    { tenants: ['a', 'b'], gates: { audited: true as const } },
    { rest: true as const },
  ]
  const plan = world.plan({ waves })
  const run = (await world.rehome.enqueue(plan)).runId ?? ''
  await using _worker = await world.work([plan])
  await eventually(async () => expect((await moveOf(world, run, 'c')).phase).toBe('moved'))
  const [a, b, c] = [
    await moveOf(world, run, 'a'),
    await moveOf(world, run, 'b'),
    await moveOf(world, run, 'c'),
  ]
  expect([a.audited_at, b.audited_at]).toEqual([expect.any(Date), expect.any(Date)])
  expect(c.audited_at).toBeNull()
})

test('a wave is not followed where an invariant no longer holds at the new home', async () => {
  await using world = await createWorld({
    ...{ plan: { attempts: 1, rollback: { windowMs: 600_000 } }, reconcileEveryMs: 100 },
  })
  for (const tenant of ['a', 'b']) await world.addTenant(tenant, 1)
  // It holds as long as the tenant is not open there.
  const closed = (tenant: string) =>
    sql`select mode from rehome.tenant_flags where tenant_id = ${tenant} and mode = 'capturing'`
  const plan = world.plan({
    invariants: [{ name: 'closed', at: 'target', noRows: closed }],
    waves: [{ tenants: ['a'], gates: { audited: true } }, { rest: true }],
  })
  const run = (await world.rehome.enqueue(plan)).runId ?? ''
  await using _worker = await world.work([plan])
  const says = /wave 1 \(named\) has 1 way\(s\) back that failed an audit/
  await eventually(async () => expect((await world.rehome.notices(run)).join()).toMatch(says))
  const moved = { phase: 'moved', error_code: 'INVARIANT_BROKEN' }
  expect(await moveOf(world, run, 'a')).toMatchObject(moved)
  expect((await moveOf(world, run, 'b')).phase).toBe('queued')
})

test('a wave is followed when a check of the plan says so, and status tells its reason', async () => {
  await using world = await createWorld({ plan: { attempts: 1 }, reconcileEveryMs: 100 })
  for (const tenant of ['a', 'b']) await world.addTenant(tenant, 1)
  let answer: true | string = 'too many errors'
  const asked: unknown[] = []
  const check = async ({ runId, wave, name, tenants: count }: Asked) => {
    asked.push([runId, wave, name, count])
    return answer
  }
  const waves = [{ tenants: ['a'], name: 'own', gates: { check } }, { rest: true as const }]
  const plan = world.plan({ waves })
  const run = (await world.rehome.enqueue(plan)).runId ?? ''
  await using _worker = await world.work([plan])
  const says = /wave 1 \(own\) is kept back, gates\.check answers: too many errors/
  await eventually(async () => expect((await world.rehome.notices(run)).join()).toMatch(says))
  expect(asked).toEqual([[run, 1, 'own', 1]])
  expect((await moveOf(world, run, 'b')).phase).toBe('queued')
  answer = true
  await world.control.pool.query(
    `update rehome_control.runs set gate_asked_at = gate_asked_at - interval '1 min'`,
  )
  await eventually(async () => expect((await moveOf(world, run, 'b')).phase).toBe('moved'))
  expect(asked).toHaveLength(2)
})
