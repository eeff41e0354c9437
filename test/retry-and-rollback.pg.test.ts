// Single tenants fail, are tried again, and come back: on both queue backends.
import { expect, test } from 'vitest'
import { describeOnOneBackend } from './helpers/backends.ts'
import { noPoison } from './helpers/moves/no-poison.ts'
import { ended, expectHome, flagsAt, moveOf, rowsAt, runAll, tryWrite } from './helpers/runs.ts'
import { createWorld } from './helpers/world.ts'

describeOnOneBackend('retry', (backend) => {
  test('a row that the target refuses fails its move at once, and only that', async () => {
    await using world = await createWorld({ backend, target: noPoison })
    await world.addTenant('good')
    await world.addTenant('bad')
    await world.source.pool.query(`insert into notes (tenant_id, body) values ('bad', 'poison')`)
    await using _worker = await world.work()
    const runId = await runAll(world)
    const bad = await moveOf(world, runId, 'bad')
    expect(bad).toMatchObject({ phase: 'failed', error_code: 'ROW_REJECTED', failed_phase: 'copy' })
    expect(bad.error_message).toContain('no poison')
    const { rows } = await world.source.pool.query(`select id from notes where body = 'poison'`)
    expect(bad.error_message).toContain(`the row with (id) = (${rows[0].id})`)
    expect(bad.attempt).toBe(1)
    expect((await moveOf(world, runId, 'good')).phase).toBe('moved')
    expect(await tryWrite(world, 'source', 'bad')).toBe('accepted')
    await world.source.pool.query(`delete from notes where body like 'poison%'`)
    expect(await world.rehome.retry(runId)).toEqual({ count: 1, tenants: ['bad'] })
    expect((await ended(world, runId)).get('bad')).toMatchObject({
      phase: 'moved',
      error_code: null,
    })
    expect(await rowsAt(world, 'target', 'bad')).toEqual(await rowsAt(world, 'source', 'bad'))
    await expectHome(world, 'bad', 'target')
  })

  test('rows are not brought before those through which they are found', async () => {
    const slow = `alter table notes
      add constraint "no poison" check (body <> 'poison' or pg_sleep(1)::text is null)`
    await using world = await createWorld({ backend, target: slow })
    await world.addTenant('bad')
    await world.source.pool.query(`insert into notes (tenant_id, body) values ('bad', 'poison')`)
    await using _worker = await world.work()
    const runId = await runAll(world)
    expect((await moveOf(world, runId, 'bad')).error_code).toBe('ROW_REJECTED')
    const lines = await world.target.pool.query('select count(*)::int as rows from note_lines')
    expect(lines.rows).toEqual([{ rows: 0 }])
  })

  test('a writer that does not end makes the attempt give up, and a later one succeed', async () => {
    await using world = await createWorld({
      backend,
      plan: { fence: { leaseMs: 3000, drainMs: 200 }, attempts: 20 },
    })
    await world.addTenant('busy')
    const writer = await world.source.pool.connect()
    await writer.query('begin')
    await writer.query(`insert into notes (tenant_id, body) values ('busy', 'late')`)
    await using _worker = await world.work()
    const { runId } = await world.rehome.enqueue(world.plan())
    for await (const { moves } of world.rehome.watch(runId ?? '', { everyMs: 20 })) {
      if (moves[0]?.error_code === 'DRAIN_TIMEOUT') break
    }
    await writer.query('commit')
    writer.release()
    expect((await ended(world, runId)).get('busy')?.phase).toBe('moved')
    const late = (await rowsAt(world, 'target', 'busy')).filter((row) => row.includes('late'))
    expect(late).toHaveLength(1)
  })
})

describeOnOneBackend('rollback', (backend) => {
  test('before the cutover removes what came to the target and leaves no flag', async () => {
    await using world = await createWorld({ backend, target: noPoison })
    await world.addTenant('bad', 40)
    await world.source.pool.query(
      `update notes set body = 'poison' where id = (select max(id) from notes)`,
    )
    await using _worker = await world.work()
    const runId = await runAll(world)
    expect((await rowsAt(world, 'target', 'bad')).length).toBeGreaterThan(20)
    expect(await flagsAt(world, 'target')).toEqual([['bad', 'receiving']])
    await world.rehome.rollback(runId, { tenants: ['bad'] })
    expect((await ended(world, runId)).get('bad')?.phase).toBe('rolled_back')
    expect(await rowsAt(world, 'target', 'bad')).toEqual([])
    expect([...(await flagsAt(world, 'source')), ...(await flagsAt(world, 'target'))]).toEqual([])
  })

  test('after the cutover opens the source again when nothing was written at the target', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant('back')
    await world.addTenant('stays')
    await using _worker = await world.work()
    const runId = await runAll(world)
    await world.rehome.rollback(runId, { tenants: ['back'] })
    expect((await ended(world, runId)).get('back')?.phase).toBe('rolled_back')
    await expectHome(world, 'back', 'source')
    await expectHome(world, 'stays', 'target')
    const again = await runAll(world, ['back'])
    expect((await moveOf(world, again, 'back')).error_message).toBeNull()
    expect(await rowsAt(world, 'target', 'back')).toEqual(await rowsAt(world, 'source', 'back'))
    await expectHome(world, 'back', 'target')
  })

  test('is refused with the number of rows written since, until they are given up', async () => {
    await using world = await createWorld({ backend })
    await world.addTenant('back')
    await using _worker = await world.work()
    const runId = await runAll(world)
    await world.target.pool.query(`update notes set body = 'new' where id in (1, 2)`)
    await world.target.pool.query(`delete from visits where day = '2025-12-25'`)
    await world.target.pool.query(`insert into notes (tenant_id, body) values ('back', 'newer')`)
    await world.rehome.rollback(runId, { tenants: ['back'] })
    const refused = (await ended(world, runId)).get('back')
    expect(refused).toMatchObject({ phase: 'moved', error_code: 'WRITES_WOULD_BE_LOST' })
    expect(refused?.error_message).toMatch(/^4 rows were written .*"notes": 3.*"visits": 1/)
    await expectHome(world, 'back', 'target')
    await world.rehome.rollback(runId, { tenants: ['back'], discardWrites: true })
    expect((await ended(world, runId)).get('back')?.phase).toBe('rolled_back')
    await expectHome(world, 'back', 'source')
  })
})

describeOnOneBackend('cleanup', (backend) => {
  test('removes the old copy of the moved tenant and no other row', async () => {
    await using world = await createWorld({ backend, plan: { chunkRows: 1_000 } })
    await world.addTenant('gone', 3000)
    await world.addTenant('stays')
    await using _worker = await world.work()
    const runId = await runAll(world, ['gone'])
    const before = await rowsAt(world, 'source', 'stays')
    await world.rehome.cleanup(runId, { tenants: ['gone'] })
    expect((await ended(world, runId)).get('gone')?.phase).toBe('cleaned')
    expect(await rowsAt(world, 'source', 'gone')).toEqual([])
    expect(await rowsAt(world, 'source', 'stays')).toEqual(before)
    expect((await rowsAt(world, 'target', 'gone')).length).toBe(1 + 3000 + 6000 + 20)
    expect(await flagsAt(world, 'source')).toEqual([['gone', 'moved']])
    await expect(world.rehome.rollback(runId, { tenants: ['gone'] })).rejects.toMatchObject({
      code: 'NOT_ALLOWED_NOW',
    })
  })
})
