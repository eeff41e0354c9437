// Rows on their way to another model: bad ones, ones that stay behind, ones that get other ids.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { definePlan, type PlanInput, table } from '../../src/plan/plan.ts'
import { sql } from '../../src/plan/sql-text.ts'
import { stream } from '../../src/plan/stream.ts'
import { ended, expectHome } from '../helpers/runs.ts'
import {
  type Activity,
  addWorkspace,
  exclude,
  moveOne,
  sources,
  toActivities,
  trackerPlan,
  trackerWorld,
  workItems,
} from '../helpers/schemas/tracker.ts'
import { createWorld, installPlans } from '../helpers/world.ts'

const Issue = z.object({ id: z.bigint(), number: z.number().max(8, 'is too large') })
const checked = (quarantine: number) =>
  stream<z.infer<typeof Issue>, Activity>('activities', {
    from: 'issues',
    row: Issue,
    quarantine,
    to: ['activities'],
    transform: ({ id }, { tenantId }) => {
      return { activities: { workspace_id: tenantId, item_id: id, kind: 'opened' } }
    },
  })

test('a row that its schema refuses ends the move with its key and the reason', async () => {
  await using world = await trackerWorld()
  await addWorkspace(world, 'acme', 10)
  const plan = trackerPlan({ exclude, tables: [...sources, checked(0)] })
  await using _worker = await world.work([plan])
  const move = await moveOne(world, plan)
  expect([move.phase, move.error_code, move.error_message]).toEqual([
    'failed',
    'TRANSFORM_FAILED',
    'stream "activities", key (9): number: is too large',
  ])
  const write = `update issues set title = 'mine again' where workspace_id = 'acme'`
  await world.source.pool.query(write)
})

test('rows may stay behind up to the number that the plan allows, and are reported', async () => {
  await using world = await trackerWorld()
  await addWorkspace(world, 'acme', 10)
  const plan = trackerPlan({ exclude, tables: [...sources, checked(2)], chunkRows: 3 })
  await using _worker = await world.work([plan])
  const move = await moveOne(world, plan)
  expect([move.phase, move.error_message]).toEqual(['moved', null])
  expect(move.evidence.quarantined).toMatchObject({
    rows: 2,
    first: [
      { table: 'activities', key: '(9)', message: expect.stringContaining('is too large') },
      { table: 'activities', key: '(10)' },
    ],
  })
  const kept = `select content ->> 'title' as title from rehome.quarantine order by id`
  expect((await world.target.pool.query(kept)).rows).toEqual([
    { title: 'Issue 9' },
    { title: 'Issue 10' },
  ])
})

test('one row more than may stay behind ends the move, and nothing stays there', async () => {
  await using world = await trackerWorld()
  await addWorkspace(world, 'acme', 12)
  const plan = trackerPlan({ exclude, tables: [...sources, checked(3)], attempts: 1 })
  await using _worker = await world.work([plan])
  const move = await moveOne(world, plan)
  expect(move.error_code).toBe('TRANSFORM_FAILED')
  expect(move.error_message).toContain('more than `quarantine: 3` rows')
})

test('JSON in which JavaScript has rounded a number is refused, and passes as it came', async () => {
  await using world = await trackerWorld()
  await addWorkspace(world, 'acme', 3)
  const items = (doc: (meta: unknown) => unknown) =>
    stream<{ id: bigint; at: string; meta: unknown }, { work_items: object }>('items', {
      from: 'issues',
      to: ['work_items'],
      transform: ({ id, at, meta }, { tenantId: workspace_id }) => ({
        work_items: { id, workspace_id, title: 't', doc: doc(meta), created_at: at },
      }),
    })
  const nested = trackerPlan({
    name: 'nested',
    exclude,
    tables: [...sources, items((meta) => ({ meta }))],
  })
  const same = trackerPlan({ name: 'same', exclude, tables: [...sources, items((meta) => meta)] })
  await using _worker = await world.work([nested, same])
  const refused = await moveOne(world, nested)
  expect(refused.error_message).toMatch(/"work_items.doc": jsonb takes .* did not round/)
  expect((await moveOne(world, same)).error_message).toBeNull()
  const docs = 'select doc::text as doc from work_items order by id limit 1'
  expect((await world.target.pool.query(docs)).rows[0].doc).toContain('12345678901234567890')
})

test('ids become others, stable over attempts, and references follow', async () => {
  await using world = await createWorld({
    target: `alter table notes alter id drop identity;
      create sequence new_notes start 70001; alter table notes alter id set default 0;`,
  })
  await world.addTenant('acme', 9)
  await world.source.pool.query(`update notes set parent_id = id - 1 where id > 1`)
  const plan = definePlan({
    ...world.plan(),
    name: 'renumbered',
    tables: [
      table('tenants', { tenant: 'id' }),
      table('notes', { newIds: { id: 'notes', parent_id: 'notes' } }),
      table('note_lines', { through: 'note_id', newIds: { note_id: 'notes' } }),
      table('visits'),
    ],
    newIds: { notes: { by: sql`nextval('new_notes')` } },
  })
  await using _worker = await world.work([plan])
  const move = await moveOne(world, plan)
  expect([move.phase, move.error_message]).toEqual(['moved', null])
  const shape = `select n.body, p.body as parent, (select count(*)::int from note_lines l
    where l.note_id = n.id) as lines from notes n left join notes p on p.id = n.parent_id order by 1`
  const before = await world.source.pool.query(shape)
  expect((await world.target.pool.query(shape)).rows).toEqual(before.rows)
  const ids = 'select min(id)::int as low, max(id)::int as high, count(*)::int as n from notes'
  expect((await world.target.pool.query(ids)).rows).toEqual([{ low: 70001, high: 70009, n: 9 }])
  await expectHome(world, 'acme', 'target')
})

test('what the transform looks up is found once, at either end', async () => {
  await using world = await trackerWorld({
    target: `create table kinds (name text); insert into kinds values ('filed');`,
  })
  await addWorkspace(world, 'acme', 3)
  let asked = 0
  const plan = trackerPlan({
    exclude,
    tables: [
      ...sources,
      stream<{ id: bigint }, Activity>('activities', {
        from: 'issues',
        to: ['activities'],
        transform: ({ id }, { tenantId, lookups }) => {
          return { activities: { workspace_id: tenantId, item_id: id, kind: `${lookups.kind}` } }
        },
      }),
    ],
    async lookups({ target, tenantId }) {
      asked += 1
      const [row] = await target(sql`select name || ' by ' || ${tenantId} as kind from kinds`)
      return { kind: row?.kind }
    },
  })
  await using _worker = await world.work([plan])
  expect((await moveOne(world, plan)).error_message).toBeNull()
  const kinds = 'select distinct kind from activities'
  expect((await world.target.pool.query(kinds)).rows).toEqual([{ kind: 'filed by acme' }])
  expect(asked).toBe(1)
})

test('an invariant that does not hold keeps the tenant at the source', async () => {
  await using world = await trackerWorld()
  await addWorkspace(world, 'acme', 4)
  const invariants: PlanInput['invariants'] = [
    {
      name: 'as many',
      equal: {
        source: (tenant) => sql`select count(*) from issues where workspace_id = ${tenant}`,
        target: (tenant) => sql`select count(*) from activities where workspace_id = ${tenant}`,
      },
    },
    {
      name: 'no empty kind',
      at: 'target',
      noRows: (tenant) =>
        sql`select * from activities where workspace_id = ${tenant} and kind = ''`,
    },
  ]
  const holding = trackerPlan({ exclude, tables: [...sources, checked(0)], invariants })
  const broken = trackerPlan({ name: 'b', exclude, tables: [...sources, toActivities], invariants })
  await using _worker = await world.work([holding, broken])
  const failed = await moveOne(world, broken)
  expect([failed.error_code, failed.error_message]).toEqual([
    'INVARIANT_BROKEN',
    'invariant "as many" does not hold: the source has (4), the target (7)',
  ])
  const moved = await moveOne(world, holding)
  expect([moved.error_message, moved.evidence.invariants]).toEqual([
    null,
    ['as many', 'no empty kind'],
  ])
})

test('both models live in one database, and the flag tells which is the home', async () => {
  await using world = await trackerWorld({ source: workItems })
  await addWorkspace(world, 'acme', 12)
  await addWorkspace(world, 'zoo', 3)
  const { source: end } = trackerPlan()
  const plan = trackerPlan({ name: 'in-place', target: end, targetScope: 'items' })
  expect((await world.rehome.check({ ...plan, targetScope: 'default' }))[0]).toMatchObject({
    where: 'target',
    message: expect.stringContaining('`targetScope`'),
  })
  await installPlans(world, [plan])
  await using _worker = await world.work([plan])
  const { runId } = await world.rehome.enqueue(plan, { tenants: ['acme'] })
  const [move] = [...(await ended(world, runId)).values()]
  expect([move?.phase, move?.error_message]).toEqual(['moved', null])
  const { pool } = world.source
  const old = (tenant: string) =>
    pool.query(`update issues set title = '' where workspace_id = '${tenant}'`)
  const fresh = (tenant: string) =>
    pool.query(`update work_items set title = '' where workspace_id = '${tenant}'`)
  await expect(old('acme')).rejects.toMatchObject({ code: '25006', hint: 'rehome:fenced' })
  expect((await fresh('acme')).rowCount).toBe(12)
  expect((await old('zoo')).rowCount).toBe(3)
  await world.rehome.rollback(runId ?? '', { tenants: ['acme'], discardWrites: true })
  expect([...(await ended(world, runId)).values()].map(({ phase }) => phase)).toEqual([
    'rolled_back',
  ])
  expect((await old('acme')).rowCount).toBe(12)
  await expect(fresh('acme')).rejects.toMatchObject({ code: '25006' })
})
