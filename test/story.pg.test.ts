// The main job on both queue backends: tenants move, fail, are retried, and come back.
import { expect, test } from 'vitest'
import type { Rehome } from '../src/index.ts'
import { describeOnBackends } from './helpers/backends.ts'
import { createWorld } from './helpers/world.ts'

async function untilDone(rehome: Rehome, runId: string) {
  for await (const { done, moves } of rehome.watch(runId, { everyMs: 50 })) if (done) return moves
  throw new Error('the run did not end')
}

describeOnBackends('a run', (backend) => {
  test('moves every tenant, with equal rows at both ends and the source closed', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant('acme', 30)
    await world.addTenant("o'neil; drop table notes;--", 3)
    await using worker = await world.work()
    expect(worker.queue).toBe(backend.name)
    const { runId, tenants } = await world.rehome.enqueue(world.plan())
    expect(tenants).toEqual(['acme', "o'neil; drop table notes;--"])
    const moves = await untilDone(world.rehome, runId ?? '')
    expect(moves.map(({ phase, error_message }) => [phase, error_message])).toEqual([
      ['moved', null],
      ['moved', null],
    ])
    for (const table of ['tenants', 'notes', 'note_lines', 'visits']) {
      const query = `select r::text from ${table} r order by 1`
      const [source, target] = await Promise.all([
        world.source.pool.query(query),
        world.target.pool.query(query),
      ])
      expect(target.rows).toEqual(source.rows)
    }
    const write = `update notes set body = 'changed' where tenant_id = 'acme'`
    await expect(world.source.pool.query(write)).rejects.toMatchObject({
      code: '25006',
      hint: 'rehome:fenced',
    })
    await world.target.pool.query(write)
    const next = `insert into notes (tenant_id, body) values ('acme', 'new') returning id`
    expect(Number((await world.target.pool.query(next)).rows[0].id)).toBeGreaterThan(33)
  })
})
