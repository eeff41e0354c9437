// The command line from end to end, as a user runs it: each command, its output and its exit code.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rehome, rehomeProcess } from '../helpers/command.ts'
import { createWorld, type World } from '../helpers/world.ts'

const plan = 'examples/plan.ts'
const drop = 'drop table visits, note_lines, notes, tenants; drop type mood;'

async function exampleWorld(): Promise<World> {
  const [source, target] = await Promise.all(
    ['source', 'target'].map((name) => readFile(`examples/${name}.sql`, 'utf8')),
  )
  return await createWorld({ source: `${drop}${source}`, target: `${drop}${target}`, bare: true })
}

describe('the commands, one after the other', () => {
  let world: World
  let run = ''
  const stop = new AbortController()
  let worker: ReturnType<typeof rehome>

  const ask = async (...args: string[]) => await rehome(args, world.environment)

  beforeAll(async () => {
    world = await exampleWorld()
  })

  afterAll(async () => {
    stop.abort()
    await worker
    await world[Symbol.asyncDispose]()
  })

  test('nothing works before init, and the error says so', async () => {
    const { code, error } = await ask('status')
    expect([code, error]).toEqual([3, expect.stringContaining('run `rehome init`')])
    expect(error.trim().split('\n')).toHaveLength(1)
  })

  test('init --sql prints SQL that installs, and writes nothing', async () => {
    const { code, out } = await ask('init', '--sql', plan)
    expect(code).toBe(0)
    const schemas = `select nspname from pg_namespace where nspname like 'rehome%'`
    for (const end of [world.source, world.target, world.control]) {
      expect((await end.pool.query(schemas)).rows).toEqual([])
    }
    await using other = await exampleWorld()
    const parts = out.split(/^-- (?=the (?:control|fence|guard|queue))/m).filter((p) => p.trim())
    for (const part of parts.filter((p) => / source/.test(p.split('\n')[0] ?? ''))) {
      await other.source.pool.query(`-- ${part}`)
    }
    const guarded = `select count(*)::int as n from pg_trigger where tgname like 'rehome_%'`
    // Four a table, and one more where another table depends on it.
    expect((await other.source.pool.query(guarded)).rows[0].n).toBe(12)
  })

  test('init installs, and the second time does and writes nothing', async () => {
    const tried = JSON.parse((await ask('init', plan, '--dry-run', '--json')).out)
    expect(tried.nextSteps).toEqual([expect.stringMatching(/^rehome init /)])
    const first = await ask('init', plan)
    expect([first.code, first.error]).toEqual([0, ''])
    expect(first.out).toContain('installing the fence at the source')
    for (const { what } of tried.pending) expect(first.out).toContain(`installing ${what}\n`)
    const writes = `select sum(n_tup_ins + n_tup_upd + n_tup_del)::int as n, pg_stat_clear_snapshot()
      from pg_stat_all_tables where schemaname like 'rehome%'`
    const before = (await world.control.pool.query(writes)).rows[0].n
    expect(await ask('init', plan)).toEqual({ code: 0, out: 'nothing is pending\n', error: '' })
    expect(JSON.parse((await ask('init', plan, '--json')).out)).toEqual({
      installed: [],
      nextSteps: [expect.stringMatching(/^rehome check /)],
    })
    expect((await world.control.pool.query(writes)).rows[0].n).toBe(before)
  })

  test('check says that the plan fits, and notes that both ends give the same ids', async () => {
    const { code, out } = await ask('check', plan)
    expect(code).toBe(0)
    expect(out).toMatch(
      /^plan "notebook" fits both ends\nnote, target table "notes": both ends give "id" .*\n(note, .*\n)*(advice for the (source|target): everybody who may connect .*\n){2}$/,
    )
    expect(JSON.parse((await ask('check', plan, '--json')).out).findings).toEqual([])
  })

  test('enqueue --dry-run names the tenants and stores nothing', async () => {
    expect((await ask('enqueue', plan, '--dry-run')).out).toBe('acme\numbra\n')
    expect(JSON.parse((await ask('status', '--json')).out)).toEqual({ runs: [], nextSteps: [] })
  })

  test('enqueue --wait returns when a worker has moved the tenants', async () => {
    worker = rehomeProcess(['worker', plan], world.environment, stop.signal)
    const { code, out } = await ask('enqueue', plan, '--wait')
    expect(out).toMatch(/^run notebook-[0-9a-f]{8}: 2 tenant\(s\)\nacme: moved\numbra: moved\n$/)
    expect(code).toBe(0)
    run = out.slice(4, out.indexOf(':'))
  })

  test('enqueue passes over tenants that have moved, by name or from a file', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'rehome-')), 'tenants')
    await writeFile(file, 'acme\r\n\numbra\n')
    const passed = { code: 0, out: 'no tenant to move\n', error: 'passed over: 2 moved\n' }
    for (const choice of [[], ['-t', 'acme', 'umbra'], ['--tenants', file], ['--percent', '100']]) {
      expect(await ask('enqueue', plan, ...choice)).toEqual(passed)
    }
    const { out } = await ask('enqueue', plan, '--json')
    expect(JSON.parse(out)).toMatchObject({ runId: null, passedOver: { moved: 2, busy: 0 } })
    await writeFile(file, '\n')
    expect(await ask('enqueue', plan, '--tenants', file)).toMatchObject({
      ...{ code: 2, error: expect.stringContaining('names no tenant') },
    })
    expect((await ask('enqueue', plan, '--percent', '0')).code).toBe(2)
    await rm(dirname(file), { recursive: true })
  })

  test('status and show tell of it, as text and as JSON', async () => {
    expect((await ask('status')).out).toContain('2 moved')
    expect((await ask('status', run, '--watch')).out).toMatch(/acme +moved +6,66\d/)
    const { out } = await ask('show', run, 'acme', '--json')
    expect(JSON.parse(out)).toMatchObject({
      move: { phase: 'moved', evidence: { verified: { hash: 'record' } } },
      nextSteps: expect.arrayContaining([`rehome finalize ${run} --tenant acme --dry-run`]),
      events: expect.arrayContaining([expect.objectContaining({ phase: 'cutover' })]),
    })
  })

  test('rollback is refused with the number of rows written since, exit code 5', async () => {
    await world.target.pool.query(`update notes set title = 'new' where tenant_id = 'acme'
      and id in (select id from notes where tenant_id = 'acme' limit 3)`)
    const { code, out } = await ask('rollback', run, '--tenant', 'acme')
    expect([code, out]).toEqual([5, expect.stringContaining('3 rows were written at the target')])
    const given = await ask('rollback', run, '--tenant', 'acme', '--discard-writes')
    expect([given.code, given.out]).toEqual([0, 'acme: rolled_back\n'])
  })

  test('retry has nothing to do, and says so', async () => {
    expect(await ask('retry', run)).toMatchObject({ code: 0, out: 'no tenant to retry\n' })
    const { code, error } = await ask('retry', run, '--tenant', 'umbra')
    expect([code, error]).toEqual([3, expect.stringContaining('only a failed move can be retried')])
  })

  test('uninstall is refused while a tenant is closed', async () => {
    const { code, error } = await ask('uninstall', plan)
    expect([code, error]).toEqual([3, expect.stringContaining('are closed at the source')])
  })

  test('errands on all tenants say what they cost before they begin', async () => {
    const { code, out, error } = await ask('cleanup', run, '--all', '--dry-run')
    expect([code, out]).toEqual([0, 'acme\numbra\n'])
    expect(error).toMatch(/^2 tenants: about [\d,]+ rows of old copies are removed; there is no/)
    const price = JSON.parse(
      (await ask('rollback', run, '--limit', '1', '--json', '--dry-run')).out,
    )
    expect(price).toMatchObject({ tenants: ['umbra'], passedOver: { rolled_back: 1 } })
    const nobody = await ask('cleanup', run)
    expect([nobody.code, nobody.error]).toEqual([2, expect.stringContaining('choose --all')])
  })

  test('cleanup removes the old copy, and then there is no rollback', async () => {
    expect((await ask('cleanup', run, '-t', 'umbra')).out).toBe('umbra: cleaned\n')
    const rows = `select count(*)::int as n from notes where tenant_id = 'umbra'`
    expect((await world.source.pool.query(rows)).rows[0].n).toBe(0)
    expect((await ask('rollback', run, '-t', 'umbra')).code).toBe(3)
  })

  test('rollback of several tenants passes over those whose moves had changed nothing', async () => {
    await ask('enqueue', plan, '--tenant', 'acme', '--wait')
    const again = (await ask('status', '--json')).out.match(/notebook-[0-9a-f]{8}/)?.[0] ?? ''
    const failed = `insert into rehome_control.moves
        (id, run_id, scope, target_scope, tenant_id, phase, open, error_code)
      values (gen_random_uuid(), $1, 'default', 'default', 'umbra', 'failed', false, 'ID_COLLISION')`
    await world.control.pool.query(failed, [again])
    const { code, out, error } = await ask('rollback', again, '-t', 'acme', 'umbra')
    expect([code, out]).toEqual([0, 'acme: rolled_back\n'])
    expect(error).toMatch(/^passed over: tenant "umbra" is failed: it had changed nothing at .*\n$/)
    expect((await ask('rollback', again, '-t', 'umbra')).code).toBe(3)
  })

  test('a worker that receives SIGTERM ends with exit code 0', async () => {
    stop.abort()
    expect(await worker).toMatchObject({ code: 0, error: expect.stringContaining('SIGTERM') })
  })

  test('uninstall --force leaves no trigger and no schema', async () => {
    const tried = await ask('uninstall', plan, '--force', '--dry-run', '--json')
    const fences = [{ end: 'source' }, { end: 'target' }]
    expect(JSON.parse(tried.out)).toMatchObject({ fences, nextSteps: [expect.any(String)] })
    const done = await ask('uninstall', plan, '--force', '--json')
    expect([done.code, JSON.parse(done.out)]).toMatchObject([0, { removed: fences }])
    const left = `select count(*)::int as n from pg_trigger where tgname like 'rehome_%'`
    expect((await world.source.pool.query(left)).rows[0].n).toBe(0)
    const schema = `select to_regnamespace('rehome') as schema`
    expect((await world.target.pool.query(schema)).rows[0].schema).toBeNull()
  })
})

test('every command of the help stands in docs/cli.md', async () => {
  const { out } = await rehomeProcess(['--help'])
  const commands = [...out.matchAll(/^ {2}([a-z][\w-]*) (?:\[|<)/gm)].map(([, name]) => name)
  const docs = await readFile('docs/cli.md', 'utf8')
  expect(commands.length).toBeGreaterThan(20)
  for (const name of commands) expect(docs).toContain(`## ${name}\n`)
})
