// Rows change on their way, and whatever did not arrive as it should is named before the cutover.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { postgres } from '../../src/plan/endpoint.ts'
import { table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { damageBeforeVerify } from '../helpers/moments/damage.ts'
import { partOf } from '../helpers/rotation.ts'
import { ended, flagsAt, moveOf, runAll, tryWrite } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

/** Few connections: one that is not given back is missed. */
const onePool = (urlFrom: string) => postgres({ urlFrom, poolSize: 2 })
const others = [table('note_lines', { through: 'note_id' }), table('visits')]

interface Note {
  id: bigint
  tenant_id: string
  parent_id: bigint | null
  body: string
  amount: string
  at: string
  tags: (string | null)[]
  doc: { n: number; g: number }
  raw: Buffer
  words: number
}

test('a JavaScript transform changes what it changes and nothing else', async () => {
  const notes = table<Note>('notes', {
    transform: ({ words: _, ...row }) =>
      row.id % 5n === 0n
        ? null
        : { ...row, body: row.body.toUpperCase(), tags: [...row.tags, 'x'] },
  })
  const plan = {
    tables: [table('tenants', { tenant: 'id' }), notes, table('visits')],
    exclude: [{ table: 'note_lines', leaveReferences: true }],
  }
  await using world = await createWorld({ plan })
  await world.addTenant('acme', 23)
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect(move.error_message).toBeNull()
  const same = `select id, parent_id, amount::text, at::text, doc::text, raw from notes r`
  const query = `${same} where tenant_id = 'acme' and id % 5 <> 0 order by id`
  const [source, target] = await Promise.all([
    world.source.pool.query(query),
    world.target.pool.query(query.replace('and id % 5 <> 0', '')),
  ])
  expect(target.rows).toEqual(source.rows)
  expect(target.rows[0].doc).toContain('12345678901234567890')
  const [row] = (await world.target.pool.query('select body, tags, words from notes limit 1')).rows
  expect(row.body).toMatch(/^LINE\nAND\tTAB/)
  expect(row.tags).toEqual(['a', null, 'b "c"', '', 'x'])
  expect(row.words).toBe(row.body.length - 1)
  expect(move.evidence).toMatchObject({ copied: { notes: { read: 23, written: 19 } } })
})

test('values become what the target makes of them, by SQL and by JavaScript', async () => {
  const priced = `alter table visits add price numeric(10,2), add code char(4), add at timestamp(0),
    add prices numeric(6,1)[]`
  const compute = {
    price: sql`1`,
    code: sql`'ab'::char(4)`,
    at: sql`timestamp '2024-01-01 00:00:00.6'`,
    prices: sql`array[1, 2.25]`,
  }
  for (const visits of [
    table('visits', { columns: { compute } }),
    table('visits', {
      transform: (row) => {
        return { ...row, price: 1.5, code: 'ab', at: '2024-01-01 00:00:00.6', prices: [1, '2.25'] }
      },
    }),
  ]) {
    const plan = { tables: [table('tenants', { tenant: 'id' }), table('notes'), visits] }
    await using world = await createWorld({
      target: priced,
      plan: { ...plan, exclude: [{ table: 'note_lines', leaveReferences: true }] },
    })
    await world.addTenant('acme', 3)
    await using _worker = await world.work()
    const move = await moveOf(world, await runAll(world), 'acme')
    expect(move.error_message).toBeNull()
    const [row] = (await world.target.pool.query('select at::text, prices::text from visits')).rows
    expect(row).toEqual({ at: '2024-01-01 00:00:01', prices: '{1.0,2.3}' })
  }
})

test('SQL renames, drops and computes columns', async () => {
  await using world = await createWorld({
    target: `alter table notes drop column raw; alter table notes rename body to content;
      alter table notes add summary text not null`,
    plan: {
      tables: [
        table('tenants', { tenant: 'id' }),
        table('notes', {
          columns: {
            drop: ['raw'],
            rename: { body: 'content' },
            compute: { summary: sql`left(body, 4) || ${'…'}` },
          },
        }),
        ...others,
      ],
    },
  })
  await world.addTenant('acme')
  await using _worker = await world.work()
  expect((await moveOf(world, await runAll(world), 'acme')).error_message).toBeNull()
  const [row] = (await world.target.pool.query('select summary from notes limit 1')).rows
  expect(row.summary).toBe('line…')
})

test('a row that the zod schema refuses stops the move with table, key and reason', async () => {
  const row = z.looseObject({ body: z.string().max(50) })
  const notes = table('notes', { row, transform: ({ words: _, ...rest }) => rest })
  const tables = [table('tenants', { tenant: 'id' }), notes, ...others]
  await using world = await createWorld({ plan: { tables } })
  await world.addTenant('acme')
  await world.source.pool.query(`update notes set body = repeat('x', 99) where id = 7`)
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect(move).toMatchObject({ phase: 'failed', error_code: 'TRANSFORM_FAILED', attempt: 1 })
  expect(move.error_message).toMatch(/table "notes", key \(7\): body: .*50/)
  expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
})

const damages: [string, string, RegExp][] = [
  [
    'microseconds cut',
    `update notes set at = date_trunc('milliseconds', at)`,
    /"notes": 10 rows expected, 10 found, 10 differ \(\(\d+\) different/,
  ],
  [
    'a row lost',
    `delete from visits where hits = 3`,
    /"visits": 20 rows expected, 19 found, 1 differ \(\(acme,2025-12-28\) missing\)/,
  ],
  ['NULL for an empty text', `update notes set tags = array_remove(tags, '')`, /10 differ/],
  ['a number rounded', `update notes set amount = round(amount, 3)`, /9 differ|10 differ/],
]

for (const [what, statement, message] of partOf(damages, 2)) {
  test(`${what} at the target is found, named, and not laundered by a retry`, async () => {
    await using world = await createWorld()
    await world.addTenant('acme')
    using damage = damageBeforeVerify(world, 'acme', statement)
    await using _worker = await world.work()
    const runId = await runAll(world)
    for (let tries = 1; tries <= 2; tries += 1) {
      const move = await moveOf(world, runId, 'acme')
      expect(move).toMatchObject({ phase: 'failed', error_code: 'ROWS_DIFFER', attempt: tries })
      expect(move.error_message).toMatch(message)
      expect(await tryWrite(world, 'source', 'acme')).toBe('accepted')
      if (tries === 1) await world.rehome.retry(runId)
      await ended(world, runId)
    }
    expect(await flagsAt(world, 'source')).toEqual([])
    expect(damage.outcomes).toEqual(['accepted', 'accepted'])
  })
}

test('rows that somebody else brought to the target are neither overwritten nor removed', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  await world.target.pool.query(`insert into visits values ('acme', '2026-02-02', 1)`)
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect(move).toMatchObject({ phase: 'failed', error_code: 'TARGET_NOT_EMPTY' })
  expect(move.error_message).toContain('"visits": 1')
  await expectRows(world, `select count(*)::int as n from visits`, 1)
  expect(await flagsAt(world, 'target')).toEqual([])
  const write = `update visits set hits = 2 where tenant_id = 'acme'`
  expect((await world.target.pool.query(write)).rowCount).toBe(1)
})

test("another tenant's ids at the target are found before the tenant is fenced", async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  await world.target.pool.query(
    `insert into tenants values ('other', 'x'); insert into notes (id, tenant_id) values (4, 'other')`,
  )
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect(move).toMatchObject({ error_code: 'ID_COLLISION', failed_phase: 'preflight' })
  expect(move.error_message).toContain('(4)')
  await expectRows(world, `select count(*)::int as n from notes`, 1)
})

test('where many ids collide, the first ones are named and the move can be tried again', async () => {
  await using world = await createWorld({
    plan: { source: onePool('SOURCE_URL'), target: onePool('TARGET_URL') },
  })
  await world.addTenant('acme', 11_000)
  await world.target.pool.query(`insert into tenants values ('other', 'x');
    insert into notes (id, tenant_id) select g, 'other' from generate_series(1, 11000) g`)
  await using _worker = await world.work()
  const runId = await runAll(world)
  for (const _ of [1, 2, 3]) {
    const move = (await ended(world, runId)).get('acme')
    expect(move).toMatchObject({ error_code: 'ID_COLLISION', failed_phase: 'preflight' })
    expect(move?.error_message).toContain('20 or more')
    await world.rehome.retry(runId)
  }
})

test('rows that point at nothing are found although foreign keys were off', async () => {
  await using world = await createWorld({
    source: 'alter table notes drop constraint notes_parent_id_fkey',
  })
  await world.addTenant('acme')
  await world.source.pool.query('update notes set parent_id = 999 where id = 3')
  await using _worker = await world.work()
  const move = await moveOf(world, await runAll(world), 'acme')
  expect(move).toMatchObject({ phase: 'failed', error_code: 'FOREIGN_KEY_BROKEN' })
  expect(move.error_message).toContain('notes_parent_id_fkey')
})

async function expectRows(world: World, query: string, rows: number): Promise<void> {
  expect((await world.target.pool.query(query)).rows[0].n).toBe(rows)
}
