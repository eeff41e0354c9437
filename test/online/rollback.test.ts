// A tenant that has written at its new home goes back with all of it, while it goes on writing.
import { expect, test } from 'vitest'
import { table } from '../../src/plan/plan.ts'
import { describeOnBackends } from '../helpers/backends.ts'
import { eventually } from '../helpers/eventually.ts'
import { expectHome, flagsAt, moveOf, rowsAt, runAll } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const plan = {
  strategy: 'online',
  pause: { budgetMs: 60_000 },
  fence: { leaseMs: 3_000, drainMs: 2_000 },
} as const

const timeout = 60_000

/** Each end gives its notes ids of its own. */
const target = 'alter table notes alter column id restart with 1000000'

async function write(world: World, tenant: string, statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    await world.target.pool.query(statement.replaceAll('$', `'${tenant}'`))
  }
}

const kinds = [
  `update notes set body = body || '!' where tenant_id = $`,
  `delete from notes where id = (select min(id) from notes where tenant_id = $)`,
  `insert into notes (tenant_id, body) values ($, 'at home'), ($, 'and again')`,
  `insert into note_lines select max(id), 1, 'new' from notes where tenant_id = $`,
  `delete from visits where tenant_id = $ and hits < 3`,
]

async function back(world: World, run: string, tenant: string): Promise<string> {
  await world.rehome.rollback(run, { tenants: [tenant] })
  for await (const { done } of world.rehome.watch(run, { everyMs: 25 })) if (done) break
  const move = await moveOf(world, run, tenant)
  return move.error_code ? `${move.phase} ${move.error_code}: ${move.error_message}` : move.phase
}

async function newId(world: World, tenant: string): Promise<number> {
  const insert = `insert into notes (tenant_id) values ($1) returning id::int`
  return (await world.source.pool.query(insert, [tenant])).rows[0].id
}

describeOnBackends('after an online move', (backend) => {
  test('a rollback brings back what was written at the new home', { timeout }, async () => {
    await using world = await createWorld({ backend, plan, target })
    await world.addTenant('acme', 40)
    await world.addTenant('other', 3)
    const worker = await world.work()
    const run = await runAll(world, ['acme'])
    expect(await flagsAt(world, 'target')).toEqual([['acme', 'capturing']])
    await write(world, 'acme', kinds)
    const home = await rowsAt(world, 'target', 'acme')
    const other = await rowsAt(world, 'source', 'other')
    expect(await back(world, run, 'acme')).toBe('rolled_back')
    expect(await rowsAt(world, 'source', 'acme')).toEqual(home)
    expect(await rowsAt(world, 'source', 'other')).toEqual(other)
    await expectHome(world, 'acme', 'source')
    expect(await flagsAt(world, 'source')).toEqual([])
    // The source does not go on where the target has come to.
    expect(await newId(world, 'other')).toBeLessThan(1000)
    await worker.close()
  })
})

test('rolling forward and back again goes on as often as one likes', { timeout }, async () => {
  await using world = await createWorld({ plan, target })
  await world.addTenant('acme', 12)
  await using _ = await world.work()
  for (let i = 0; i < 3; i += 1) {
    const run = await runAll(world, ['acme'])
    await expectHome(world, 'acme', 'target')
    await write(world, 'acme', kinds)
    const home = await rowsAt(world, 'target', 'acme')
    expect(await back(world, run, 'acme')).toBe('rolled_back')
    expect(await rowsAt(world, 'source', 'acme')).toEqual(home)
    await expectHome(world, 'acme', 'source')
  }
})

test('columns that only the old home has keep what they held', { timeout }, async () => {
  const tables = [
    table('tenants', { tenant: 'id' }),
    table('notes', { columns: { drop: ['raw', 'tags'], rename: { body: 'text' } } }),
    table('note_lines', { through: 'note_id' }),
    table('visits'),
  ]
  const target = 'alter table notes drop column raw, drop column tags, drop column words;'
  const more = `alter table notes rename column body to text;
    alter table notes add column words int generated always as (length(text)) stored`
  await using world = await createWorld({ plan: { ...plan, tables }, target: `${target}${more}` })
  await world.addTenant('acme', 6)
  const query = `select id, raw, tags from notes where tenant_id = 'acme' order by id`
  const before = (await world.source.pool.query(query)).rows
  await using _ = await world.work()
  const run = await runAll(world, ['acme'])
  await write(world, 'acme', [
    `update notes set text = text || '!' where tenant_id = $`,
    `insert into notes (tenant_id, text) values ($, 'new')`,
  ])
  expect(await back(world, run, 'acme')).toBe('rolled_back')
  const after = (await world.source.pool.query(query)).rows
  expect(after.slice(0, 6)).toEqual(before)
  expect(after[6]).toMatchObject({ raw: null, tags: null })
})

test('what cannot go back is counted, and nothing is lost', { timeout }, async () => {
  const tables = [
    table('tenants', { tenant: 'id' }),
    table<{ body: string }>('notes', {
      columns: { drop: ['words'] },
      transform: (row) => ({ ...row, body: row.body.toUpperCase() }),
    }),
    table('note_lines', { through: 'note_id' }),
    table('visits'),
  ]
  await using world = await createWorld({ plan: { ...plan, tables } })
  expect(await world.rehome.oneWayTables(world.plan())).toEqual([
    { where: 'target table "notes"', message: 'its transform has no `invert`' },
  ])
  await world.addTenant('acme', 6)
  await using _ = await world.work()
  const run = await runAll(world, ['acme'])
  await write(world, 'acme', [`update visits set hits = hits + 1 where tenant_id = $`])
  const moved = await rowsAt(world, 'target', 'acme')
  await write(world, 'acme', [`update notes set amount = 0 where tenant_id = $`])
  const refused = await back(world, run, 'acme')
  expect(refused).toContain('moved WRITES_WOULD_BE_LOST: ')
  expect(refused).toMatch(/"notes": \d+, as its transform has no `invert`/)
  await expectHome(world, 'acme', 'target')
  expect(await flagsAt(world, 'source')).toEqual([['acme', 'moved']])
  expect(moved.length).toBeGreaterThan(0)
})

test('`invert` brings back what a transform has made', { timeout }, async () => {
  const tables = [
    table('tenants', { tenant: 'id' }),
    table<{ body: string; words?: number }, { body: string; words?: number }>('notes', {
      columns: { drop: ['words'] },
      transform: ({ body, ...row }) => ({ ...row, body: `<${body}>` }),
      invert: ({ body, words, ...row }) => ({ ...row, body: body.slice(1, -1) }),
    }),
    table('note_lines', { through: 'note_id' }),
    table('visits'),
  ]
  await using world = await createWorld({ plan: { ...plan, tables } })
  await world.addTenant('acme', 6)
  await using _ = await world.work()
  const run = await runAll(world, ['acme'])
  await write(world, 'acme', [
    `update notes set body = '<changed>' where tenant_id = $ and amount < 3`,
    `insert into notes (tenant_id, body) values ($, '<new>')`,
    `delete from notes where tenant_id = $ and amount > 5`,
  ])
  expect(await back(world, run, 'acme')).toBe('rolled_back')
  const query = `select body from notes where tenant_id = 'acme' order by amount, id`
  const bodies = (await world.source.pool.query(query)).rows.map(({ body }) => body)
  expect(bodies).toHaveLength(5)
  expect(bodies.slice(0, 2)).toEqual(['changed', 'changed'])
  expect(bodies[4]).toBe('new')
  expect(bodies[2]).toContain('quoted')
})

test('a value that only the new home can hold is no reason to lose it', { timeout }, async () => {
  await using world = await createWorld({
    plan: { ...plan, attempts: 1, tables: [table('tenants', { tenant: 'id' }), table('visits')] },
    both: 'drop table note_lines, notes',
    target: 'alter table visits alter column hits type numeric',
  })
  await world.source.pool.query(`insert into tenants (id, name) values ('acme', 'Acme')`)
  await world.source.pool.query(`insert into visits values ('acme', '2026-01-01', 7)`)
  await using _ = await world.work()
  const run = await runAll(world, ['acme'])
  await write(world, 'acme', [`update visits set hits = 7.5 where tenant_id = $`])
  expect(await back(world, run, 'acme')).toContain('moved ROWS_DIFFER')
  const { rows } = await world.target.pool.query('select hits::text from visits')
  expect(rows).toEqual([{ hits: '7.5' }])
  await write(world, 'acme', [`update visits set hits = 8 where tenant_id = $`])
  expect(await back(world, run, 'acme')).toBe('rolled_back')
  const home = await world.source.pool.query('select hits from visits')
  expect(home.rows).toEqual([{ hits: 8 }])
})

async function settled(world: World, run: string, tenant: string): Promise<string> {
  for await (const { done } of world.rehome.watch(run, { everyMs: 25 })) if (done) break
  const { phase, error_code: code } = await moveOf(world, run, tenant)
  return code ? `${phase} ${code}` : phase
}

test('the window ends by its time or by word, and only then the old copy may go', {
  timeout,
}, async () => {
  await using world = await createWorld({ plan: { ...plan, rollback: { windowMs: 600_000 } } })
  for (const tenant of ['acme', 'beta']) await world.addTenant(tenant, 4)
  await using _ = await world.work()
  const run = await runAll(world)
  const tenants = ['acme']
  await expect(world.rehome.cleanup(run, { tenants })).rejects.toThrow(/rehome finalize/)
  await write(world, 'acme', kinds)
  const log = `select count(*)::int as n from rehome_log.${await logOf(world, 'notes')}`
  expect((await world.target.pool.query(log)).rows[0].n).toBeGreaterThan(2)
  await world.rehome.finalize(run, { tenants })
  expect(await settled(world, run, 'acme')).toBe('moved')
  expect(await flagsAt(world, 'target')).toEqual([['beta', 'capturing']])
  expect((await world.target.pool.query(log)).rows[0].n).toBe(0)
  // Now it is as it always was: whoever wants the tenant back has to give up what it wrote.
  await world.rehome.rollback(run, { tenants })
  expect(await settled(world, run, 'acme')).toBe('moved WRITES_WOULD_BE_LOST')
  await expect(world.rehome.finalize(run, { tenants })).rejects.toThrow(/window/)
  await world.rehome.cleanup(run, { tenants })
  expect(await settled(world, run, 'acme')).toBe('cleaned')
  // The other's window lapses: the first writer ends it.
  await world.target.pool.query(`update rehome.tenant_flags
    set expires_at = clock_timestamp(), capture_until = clock_timestamp()`)
  await write(world, 'beta', kinds)
  expect(await flagsAt(world, 'target')).toEqual([])
})

async function logOf(world: World, name: string): Promise<string> {
  const query = `select relname from pg_class where relnamespace = 'rehome_log'::regnamespace
    and obj_description(oid) like '%.' || $1`
  return (await world.target.pool.query(query, [name])).rows[0].relname
}

test('an offline move may have a window, too', { timeout }, async () => {
  const changes = { ...plan, strategy: 'offline', rollback: { windowMs: 60_000 } } as const
  await using world = await createWorld({ plan: changes })
  await world.addTenant('acme', 4)
  await using _ = await world.work()
  const run = await runAll(world)
  await write(world, 'acme', kinds)
  const home = await rowsAt(world, 'target', 'acme')
  expect(await back(world, run, 'acme')).toBe('rolled_back')
  expect(await rowsAt(world, 'source', 'acme')).toEqual(home)
  // Both ends have given numbers from one range: the source has to pass those that came back.
  expect(await newId(world, 'acme')).toBe(7)
})

test('writes are given up where that is asked for', { timeout }, async () => {
  await using world = await createWorld({ plan })
  await world.addTenant('acme', 4)
  await using _ = await world.work()
  const before = await rowsAt(world, 'source', 'acme')
  const run = await runAll(world)
  await write(world, 'acme', kinds)
  await world.rehome.rollback(run, { tenants: ['acme'], discardWrites: true })
  expect(await settled(world, run, 'acme')).toBe('rolled_back')
  expect(await rowsAt(world, 'source', 'acme')).toEqual(before)
  await expectHome(world, 'acme', 'source')
})

test('audits say whether the way back is open, and change nothing', { timeout }, async () => {
  const rollback = { windowMs: 600_000, auditEveryMs: 1_000 }
  await using world = await createWorld({ plan: { ...plan, rollback } })
  await world.addTenant('acme', 4)
  await using _ = await world.work()
  const old = await rowsAt(world, 'source', 'acme')
  const run = await runAll(world)
  await write(world, 'acme', kinds)
  const home = await rowsAt(world, 'target', 'acme')
  const audited = (at: Record<string, unknown>) =>
    eventually(
      async () => {
        const move = await moveOf(world, run, 'acme')
        expect([move.open, move.error_code, move.evidence.audit]).toMatchObject([
          false,
          at.code,
          at.audit,
        ])
      },
      { withinMs: 30_000 },
    )
  await audited({ code: null, audit: { changes: 11 } })
  expect(await rowsAt(world, 'source', 'acme')).toEqual(old)
  expect(await rowsAt(world, 'target', 'acme')).toEqual(home)
  // Somebody has touched the old copy, past the fence: the way back would lead to something else.
  await world.source.pool.query(`begin; alter table only visits disable trigger rehome_update;
    update visits set hits = hits + 1 where tenant_id = 'acme' and hits = 9;
    alter table only visits enable always trigger rehome_update; commit`)
  await audited({ code: 'ROWS_DIFFER', audit: expect.anything() })
})
