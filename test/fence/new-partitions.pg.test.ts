// A partition that is made while a tenant is fenced has no guard yet, and takes what is written to
// it directly: the move ends before its cutover, and the row stays where it was acknowledged.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import type { RemoteCall } from '../../src/calls.ts'
import { ended, tryWrite } from '../helpers/runs.ts'
import { createWorld } from '../helpers/world.ts'

test('a row written directly to a partition made under the fence is not left behind', async () => {
  await using world = await createWorld({ plan: { attempts: 1 } })
  await world.addTenant('acme')
  let written: Promise<unknown> | null = null
  const hear = (message: unknown) => {
    const { moment, phase, to } = message as RemoteCall
    if (written || moment !== 'before' || phase !== 'copy' || to !== 'source') return
    written = world.source.pool.query(`
      create table visits_2027 partition of visits
        for values from ('2027-01-01') to ('2028-01-01');
      insert into visits_2027 values ('acme', '2027-02-01', 1)`)
  }
  subscribe('rehome:call', hear)
  await using _worker = await world.work()
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  unsubscribe('rehome:call', hear)
  await written
  expect(move).toMatchObject({
    phase: 'failed',
    error_code: expect.stringMatching(/^(SCHEMA_CHANGED|ROW_REJECTED)$/),
  })
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
  const left = await world.source.pool.query('select from visits_2027')
  expect(left.rowCount).toBe(1)
  const findings = await world.rehome.check(world.plan())
  expect(findings.map(({ where }) => where).join()).toContain('visits_2027')
})
