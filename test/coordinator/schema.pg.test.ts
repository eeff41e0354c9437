// Schema changes around the moves of a plan: what check says of them, when they run, what is
// recorded, and what they wait for.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { closeControl, openControl } from '../../src/control/database.ts'
import { insertRun } from '../../src/control/runs/runs.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import type { SchemaInput } from '../../src/plan/schema-plan.ts'
import { eventually } from '../helpers/eventually.ts'
import { run } from '../helpers/moves/control-with.ts'
import { type Folder, openFolder } from '../helpers/processes/folder.ts'
import { createWorld, type World } from '../helpers/world.ts'

let folder: Folder
let files = 0

beforeAll(async () => {
  folder = await openFolder('rehome schema ')
})
afterAll(() => folder.remove())

/** A file of its own for each text. */
async function file(text: string): Promise<string> {
  files += 1
  await folder.write(`${files}.sql`, text)
  return `${files}.sql`
}

function planWith(world: World, schema: SchemaInput): PlanInput {
  return world.plan({ schema: { folder: folder.path, backoffMs: 20, ...schema } })
}

const columns = async ({ pool }: World['source'], table = 'notes') =>
  (
    await pool.query(
      `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0`,
      [table],
    )
  ).rows.map(({ name }) => name)

const findings = async ({ rehome }: World, plan: PlanInput) =>
  (await rehome.check(plan)).map(({ where, message }) => `${where}: ${message}`)

const addColumn = 'alter table notes add column remark text;'

describe('an expansion', () => {
  test('keeps tenants from being enqueued until it has run, at the target first', async () => {
    await using world = await createWorld()
    await world.addTenant('acme', 1)
    const plan = planWith(world, {
      expand: { source: [await file(addColumn)], target: [await file(addColumn)] },
    })
    expect(await findings(world, plan)).toEqual([
      expect.stringContaining('schema.expand.target: 1 statement(s) have not run at the target'),
      expect.stringContaining('schema.expand.source: 1 statement(s) have not run at the source'),
    ])
    await expect(world.rehome.enqueue(plan)).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' })
    const ahead = await world.rehome.changeSchema(plan, 'expand', { dryRun: true })
    expect(ahead.steps.map(({ end, outcome }) => [end, outcome])).toEqual([
      ['target', 'pending'],
      ['source', 'pending'],
    ])
    expect(await columns(world.source)).not.toContain('remark')
    const { steps } = await world.rehome.changeSchema(plan, 'expand')
    expect(steps.map(({ end, outcome }) => [end, outcome])).toEqual([
      ['target', 'done'],
      ['source', 'done'],
    ])
    expect(await columns(world.source)).toContain('remark')
    expect(await findings(world, plan)).toEqual([])
    expect((await world.rehome.enqueue(plan)).tenants).toEqual(['acme'])
    expect(await world.rehome.schemaRecord('small')).toMatchObject([
      { by: 'tester', part: 'expand', end_name: 'target', number: 1, outcome: 'done' },
      { end_name: 'source', statement: addColumn.replace(';', ''), attempts: 1 },
    ])
    const [record] = await world.rehome.schemaRecord('small')
    expect(record?.held_ms).toBeGreaterThan(0)
    expect(record?.locks).toEqual([{ table: 'public.notes', mode: 'ACCESS EXCLUSIVE' }])
    expect((await world.rehome.changeSchema(plan, 'expand')).steps).toEqual([])
  })

  test('that is unsafe is refused by check and by the command, unless a comment allows it', async () => {
    await using world = await createWorld()
    const unsafe = 'create index by_body on notes (body);'
    const plan = planWith(world, { expand: { source: [await file(unsafe)] } })
    const refusal = /"\d+\.sql", line 1: index-not-concurrent: .*docs\/schema-changes/
    expect(await findings(world, plan)).toContainEqual(expect.stringMatching(refusal))
    await expect(world.rehome.changeSchema(plan, 'expand')).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: expect.stringMatching(refusal),
    })
    const forever = `set lock_timeout = 0; ${addColumn}`
    const waiting = planWith(world, { expand: { source: [await file(forever)] } })
    await expect(world.rehome.changeSchema(waiting, 'expand')).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: expect.stringContaining('lock-timeout: lock on "notes" is waited for'),
    })
    const why = '-- rehome:allow index-not-concurrent the table is small\n'
    const allowed = planWith(world, { expand: { source: [await file(why + unsafe)] } })
    expect((await world.rehome.changeSchema(allowed, 'expand')).steps).toHaveLength(1)
    // What has run can be made no safer.
    expect(await findings(world, allowed)).toEqual([])
  })

  test('of a new partition of a planned table installs its guard', async () => {
    await using world = await createWorld()
    const partition = `-- rehome:allow partition-attached it is new
      create table visits_2027 partition of visits for values from ('2027-01-01') to ('2028-01-01');`
    const name = await file(partition)
    const plan = planWith(world, { expand: { source: [name], target: [name] } })
    const { guards } = await world.rehome.changeSchema(plan, 'expand')
    expect(guards).toEqual([
      'the guard of "visits_2027" at the source',
      'the guard of "visits_2027" at the target',
    ])
    expect(await findings(world, plan)).toEqual([])
  })

  test('with `auto` runs when tenants are enqueued, once', async () => {
    await using world = await createWorld()
    await world.addTenant('acme', 1)
    await world.addTenant('blue', 1)
    const name = await file(`insert into tenants values ('none', 'x'); ${addColumn}`)
    const target = await file(addColumn)
    const plan = planWith(world, { auto: true, expand: { source: [name], target: [target] } })
    const pending = planWith(world, { auto: true, expand: { source: [name] } })
    expect((await world.rehome.notes(pending))[0]?.message).toContain('`rehome enqueue` runs them')
    expect(await columns(world.source)).not.toContain('remark')
    await world.rehome.enqueue(plan, { tenants: ['acme'] })
    await world.rehome.enqueue(plan, { tenants: ['blue'] })
    expect(await columns(world.source)).toContain('remark')
    expect(await world.rehome.schemaRecord('small')).toHaveLength(3)
  })

  test('that an end has forgotten is not run a second time', async () => {
    await using world = await createWorld()
    const plan = planWith(world, { expand: { source: [await file(addColumn)] } })
    await world.rehome.changeSchema(plan, 'expand')
    await world.source.pool.query('truncate rehome.schema_statements')
    await expect(world.rehome.changeSchema(plan, 'expand')).rejects.toMatchObject({
      code: 'NOT_ALLOWED_NOW',
      message: expect.stringContaining('the record there is gone'),
    })
  })

  test('that a killed command has run is recorded by the next one', async () => {
    await using world = await createWorld()
    const plan = planWith(world, { expand: { source: [await file(addColumn)] } })
    await world.rehome.changeSchema(plan, 'expand')
    await world.control.pool.query('truncate rehome_control.schema_statements')
    await world.rehome.changeSchema(plan, 'expand')
    await world.rehome.changeSchema(plan, 'expand')
    expect(await world.rehome.schemaRecord('small')).toMatchObject([
      { outcome: 'recovered', held_ms: null },
    ])
  })
})

test('two commands at once record what the first one runs once, as done', async () => {
  await using world = await createWorld()
  const plan = planWith(world, { expand: { source: [await file(addColumn)] } })
  const { pool } = world.source
  const reader = await pool.connect()
  await reader.query('begin; lock table notes in access share mode')
  const waits = async (query: string) => {
    const found = `select from pg_stat_activity where datname = current_database()
      and pid <> pg_backend_pid() and query like $1 limit 1`
    await eventually(async () => expect((await pool.query(found, [query])).rowCount).toBe(1))
  }
  const first = world.rehome.changeSchema(plan, 'expand')
  await waits('alter table notes%')
  const second = world.rehome.changeSchema(plan, 'expand')
  await waits('%pg_try_advisory_lock%')
  await reader.query('rollback')
  reader.release()
  expect((await first).steps).toMatchObject([{ outcome: 'done' }])
  expect((await second).steps).toEqual([])
  expect(await world.rehome.schemaRecord('small')).toMatchObject([{ outcome: 'done' }])
})

describe('a contraction', () => {
  const drop =
    '-- rehome:allow column-dropped release 7 does not use it\nalter table notes drop column doc;'

  test('waits until no tenant lives at the source or can come back, then a worker runs it', async () => {
    const rollback = { windowMs: 600_000 }
    await using world = await createWorld({ plan: { rollback } })
    await world.addTenant('acme', 1)
    const contract = { source: [await file(drop)], target: [await file(drop)] }
    const plan = planWith(world, { auto: true, contract })
    const refusal = async () =>
      await world.rehome.changeSchema(plan, 'contract').then(
        () => 'not refused',
        (error: Error & { code: string }) => `${error.code}: ${error.message}`,
      )
    expect(await refusal()).toMatch(/NOT_ALLOWED_NOW: no tenant of plan "small" has moved/)
    await world.work([plan])
    const { runId } = await world.rehome.enqueue(plan)
    const run = runId ?? ''
    for await (const { done } of world.rehome.watch(run)) if (done) break
    expect(await refusal()).toMatch(/1 tenant\(s\) may be brought back until 20/)
    await world.addTenant('blue', 1)
    await world.rehome.finalize(run, { tenants: ['acme'] })
    await eventually(async () => expect(await refusal()).toMatch(/1 tenant\(s\) of the plan live/))
    expect(await columns(world.source)).toContain('doc')
    await world.source.pool.query(`delete from note_lines using notes n
      where n.id = note_id and n.tenant_id = 'blue'`)
    for (const table of ['notes', 'visits'])
      await world.source.pool.query(`delete from ${table} where tenant_id = 'blue'`)
    await world.source.pool.query(`delete from tenants where id = 'blue'`)
    await eventually(async () => {
      expect(await columns(world.source)).not.toContain('doc')
      expect(await columns(world.target)).not.toContain('doc')
      expect(await world.rehome.schemaRecord('small')).toMatchObject([
        { by: 'the plan', end_name: 'source', part: 'contract' },
        { by: 'the plan', end_name: 'target', part: 'contract' },
      ])
    })
  })

  test('that was begun goes on only once no tenant of another run can come back', async () => {
    await using world = await createWorld()
    const { pool } = world.control
    const control = openControl(world.control.url)
    const moves = [{ id: randomUUID(), tenant: 'acme' }]
    await insertRun(
      control,
      { ...run, plan_name: 'small' },
      { moves, errand: 'move', targetScope: 'a' },
    )
    await closeControl(control)
    const stands = (set: string) => pool.query(`update rehome_control.moves set ${set}`)
    await stands(`open = false, phase = 'moved'`)
    const fails = '\n-- rehome:allow table-dropped none\ndrop table nowhere;'
    const plan = planWith(world, { contract: { source: [await file(drop + fails)] } })
    const contract = () => world.rehome.changeSchema(plan, 'contract')
    await expect(contract()).rejects.toMatchObject({ code: 'SCHEMA_CHANGE_FAILED' })
    const refused = { code: 'NOT_ALLOWED_NOW' }
    await stands(`window_until = now() + interval '1 h'`)
    await expect(contract()).rejects.toMatchObject(refused)
    await stands(`open = true, phase = 'copy', window_until = null`)
    await expect(contract()).rejects.toMatchObject(refused)
    await stands(`open = false, phase = 'moved'`)
    await expect(contract()).rejects.toMatchObject({ code: 'SCHEMA_CHANGE_FAILED' })
  })
})
