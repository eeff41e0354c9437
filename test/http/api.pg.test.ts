// Tenants move from and to an application whose API was there before: the plan says how to ask.
import { expect, test } from 'vitest'
import { postgres } from '../../src/plan/endpoint.ts'
import { definePlan, type PlanInput, table } from '../../src/plan/plan.ts'
import { journal, type NotesApi, notesApi, serveNotesApi } from '../helpers/http/notes-api.ts'
import { ended } from '../helpers/runs.ts'
import { createWorld, installPlans, type World } from '../helpers/world.ts'

const seed = `
  insert into entries select g, 'acme', case when g % 5 > 0 then 'Entry "' || g || '" 🏠' end, g * 1.25,
    timestamptz '2026-01-01 00:00:00.123456+00' + g * interval '1 hour', array['a', null, 'b,"c'],
    jsonb_build_object('n', g, 'deep', jsonb_build_array(null, 'x')), 9007199254740993 + g,
    decode('00ff' || lpad(to_hex(g), 4, '0'), 'hex'), g % 2 = 0 from generate_series(1, 11) g;
  insert into entries select 900, 'zoo', 'not ours', 1, now(), null, null, null, null, null;
  insert into marks select g, 'mark ' || g, 'acme' from generate_series(1, 6) g;`

const drop = 'drop table visits, note_lines, notes, tenants; drop type mood;'
const tables = [table('entries'), table('marks')]

async function apiWorld(): Promise<World> {
  return await createWorld({ both: `${drop}${journal}`, source: seed, bare: true })
}

function planOf(ends: Pick<PlanInput, 'source' | 'target'>): PlanInput {
  return definePlan({
    ...{ name: 'journal', tenants: ['acme'], tenantColumn: 'account', tables, ...ends },
    ...{ chunkRows: 3, attempts: 2, backoffMs: 50, fence: { leaseMs: 3_000, drainMs: 2_000 } },
  })
}

const rowsOf = async ({ pool }: World['source']) => {
  const text = `select r::text from entries r where account = 'acme'
    union all select r::text from marks r where account = 'acme' order by 1`
  return (await pool.query(text)).rows
}

interface Scene {
  readonly world: World
  readonly app: NotesApi
  readonly plan: PlanInput
}

async function move({ world, plan }: Scene) {
  await installPlans(world, [plan])
  const { open } = await import('../../src/coordinator/rehome.ts')
  const rehome = await open({ environment: world.environment, by: 'tester' })
  const scene = { rehome } as World
  const worker = await world.work([plan])
  const { runId } = await rehome.enqueue(plan)
  const result = (await ended(scene, runId)).get('acme')
  return {
    result,
    runId: runId ?? '',
    rehome,
    scene,
    async [Symbol.asyncDispose]() {
      await worker.close()
      await rehome.close()
    },
  }
}

test('from a database to an API, which is closed at the end that was left', async () => {
  await using world = await apiWorld()
  await using app = await serveNotesApi(world.target)
  const plan = planOf({ source: postgres({ urlFrom: 'SOURCE_URL' }), target: notesApi(app) })
  await using moved = await move({ world, app, plan })
  expect([moved.result?.phase, moved.result?.error_message]).toEqual(['moved', null])
  expect(await rowsOf(world.target)).toEqual(await rowsOf(world.source))
  expect(moved.result?.evidence.unproven).toContainEqual({
    where: 'target',
    message: expect.stringContaining('by the application alone'),
  })
  expect(await app.write('acme')).toBe(204)
  const write = `update entries set text = '' where account = 'acme'`
  await expect(world.source.pool.query(write)).rejects.toMatchObject({ code: '25006' })
  // Somebody else's row there stays his.
  await moved.rehome.rollback(moved.runId, { tenants: ['acme'] })
  const back = (await ended(moved.scene, moved.runId)).get('acme')
  expect([back?.phase, back?.error_code]).toEqual(['moved', 'WRITES_WOULD_BE_LOST'])
  expect(await app.write('acme')).toBe(204)
  await moved.rehome.rollback(moved.runId, { tenants: ['acme'], discardWrites: true })
  expect((await ended(moved.scene, moved.runId)).get('acme')?.phase).toBe('rolled_back')
  expect(await app.write('acme')).toBe(503)
  expect((await world.source.pool.query(write)).rowCount).toBe(11)
})

test('from an API to a database, and nothing but the tenant is read', async () => {
  await using world = await apiWorld()
  await using app = await serveNotesApi(world.source)
  const plan = planOf({ source: notesApi(app), target: postgres({ urlFrom: 'TARGET_URL' }) })
  await using moved = await move({ world, app, plan })
  expect([moved.result?.phase, moved.result?.error_message]).toEqual(['moved', null])
  expect(await rowsOf(world.target)).toEqual(await rowsOf(world.source))
  expect(await app.write('acme')).toBe(503)
  expect(await app.write('zoo')).toBe(204)
  await moved.rehome.cleanup(moved.runId, { tenants: ['acme'] })
  expect((await ended(moved.scene, moved.runId)).get('acme')?.phase).toBe('cleaned')
  expect(await rowsOf(world.source)).toEqual([])
})

test('rows that refer to each other come to an API in several batches, too', async () => {
  await using world = await apiWorld()
  await using app = await serveNotesApi(world.target)
  const { entries, marks } = notesApi(app).tables
  if (!entries || !marks) throw new Error('no tables')
  const tables = { entries: { ...entries, references: { big: 'entries' } }, marks }
  const target = { ...notesApi(app), tables }
  const plan = planOf({ source: postgres({ urlFrom: 'SOURCE_URL' }), target })
  await using moved = await move({ world, app, plan })
  expect([moved.result?.phase, moved.result?.error_message]).toEqual(['moved', null])
  expect(app.asked.get('/rehome/entries/put?account=acme')).toBeGreaterThan(1)
})

test('a row that an API has not kept as it was is named, and the tenant writes at the source', async () => {
  await using world = await apiWorld()
  await world.target.pool.query(`
    create function cut() returns trigger language plpgsql as
      $$ begin if new.id = 3 then new.text := 'cut'; end if; return new; end $$;
    create trigger cut before insert on entries for each row execute function cut()`)
  await using app = await serveNotesApi(world.target)
  const plan = planOf({ source: postgres({ urlFrom: 'SOURCE_URL' }), target: notesApi(app) })
  await using moved = await move({ world, app, plan })
  expect([moved.result?.phase, moved.result?.error_message]).toEqual([
    'failed',
    expect.stringMatching(/"entries": 11 rows expected, 11 found, 1 differ \(\(3\) different\)/),
  ])
  const write = `update entries set text = '' where account = 'acme'`
  expect((await world.source.pool.query(write)).rowCount).toBe(11)
})
