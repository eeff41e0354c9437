// `rehome read-only`: the writes of a whole application are refused, for as long as a person says.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rehome } from '../helpers/command.ts'
import { eventually } from '../helpers/eventually.ts'
import { ended } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

let world: World

beforeAll(async () => {
  world = await createWorld()
  await world.addTenant('acme')
  await world.addTenant('beta')
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const at = ['--url-from', 'SOURCE_URL']
const ask = async (...args: string[]) => await rehome(['read-only', ...args], world.environment)
const write = (tenant: string) =>
  world.source.pool.query('update tenants set name = name where id = $1', [tenant])

test('on refuses the writes of every tenant, tells why, and off lets them in', async () => {
  const on = await ask('on', ...at, '--reason', 'we move house', '--for', '10m')
  expect(on).toMatchObject({ code: 0, error: '' })
  expect(on.out).toMatch(
    /read-only since .* until 20.*: we move house\n.*all writers have finished/,
  )
  for (const tenant of ['acme', 'beta']) {
    const refused: { code: string; hint: string; detail: string; message: string } = await write(
      tenant,
    ).then(() => {
      throw new Error('it was written')
    }, Object)
    expect(refused).toMatchObject({ code: '25006', hint: 'rehome:fenced' })
    expect(refused.message).toBe('the whole application is read-only: we move house')
    const detail = { tenant: '*', reason: 'we move house', retryAfterS: 60, indefinite: false }
    expect(JSON.parse(refused.detail)).toMatchObject(detail)
  }
  expect((await world.source.pool.query('select from tenants')).rowCount).toBe(2)
  const shown = JSON.parse((await ask('show', ...at, '--json')).out)
  expect(shown).toMatchObject({
    databases: [{ readOnly: { reason: 'we move house' } }],
    nextSteps: ['rehome read-only off --scope default --url-from SOURCE_URL'],
  })
  expect((await ask('off', ...at)).out).toMatch(/writes are let in/)
  await write('acme')
  expect((await ask('show', ...at)).out).toMatch(/writes are let in/)
  expect((await ask('off', ...at)).out).toMatch(/was not read-only/)
})

test('without --for it stands until off, and refusals say so', async () => {
  const on = await ask('on', ...at, '--reason', 'closed', '--json')
  expect(JSON.parse(on.out)).toMatchObject({ databases: [{ readOnly: { until: null } }] })
  const refused = await write('acme').catch(Object)
  expect(JSON.parse(refused.detail)).toMatchObject({ indefinite: true })
  expect((await ask('show', ...at)).out).toMatch(/until `rehome read-only off`: closed/)
  const off = await ask('off', ...at, '--json')
  expect(JSON.parse(off.out)).toMatchObject({ databases: [{ readOnly: null }], nextSteps: [] })
  await write('acme')
})

test('when its time is over all writers go on, and none waits for the first one', async () => {
  await ask('on', ...at, '--reason', 'a moment', '--for', '1500ms')
  await eventually(() => write('acme'))
  const first = await world.source.pool.connect()
  await first.query(`begin; update tenants set name = 'first' where id = 'acme'`)
  await write('beta')
  await world.source.pool.query('truncate visits')
  await first.query('rollback')
  first.release()
  expect((await ask('show', ...at)).out).toMatch(/writes are let in/)
})

test('on says so where its time was over before all writers had ended', async () => {
  const writer = await world.source.pool.connect()
  await writer.query(`begin; update tenants set name = 'long' where id = 'beta'`)
  const asked = ask('on', ...at, '--reason', 'a moment', '--for', '500ms')
  await eventually(() => expect(write('acme')).rejects.toMatchObject({ code: '25006' }))
  await eventually(() => write('acme'))
  await writer.query('rollback')
  writer.release()
  const on = await asked
  expect([on.code, on.out]).toEqual([1, expect.not.stringContaining('all writers have finished')])
  expect(on.error).toMatch(/the time of --for was over before all writers had ended/)
})

test('on returns when writers that were in have ended', async () => {
  const writer = await world.source.pool.connect()
  await writer.query(`begin; update tenants set name = 'late' where id = 'beta'`)
  let isOver = false
  const asked = ask('on', ...at, '--reason', 'soon').finally(() => {
    isOver = true
  })
  await eventually(() => expect(write('acme')).rejects.toMatchObject({ code: '25006' }))
  expect(isOver).toBe(false)
  await writer.query('commit')
  writer.release()
  expect((await asked).code).toBe(0)
  await ask('off', ...at)
})

test('a writer that stays in is reported with exit code 1, and new ones are refused', async () => {
  const writer = await world.source.pool.connect()
  await writer.query(`begin; update tenants set name = 'long' where id = 'beta'`)
  const on = await ask('on', ...at, '--reason', 'soon', '--drain', '100ms')
  expect(on.code).toBe(1)
  expect(on.error).toMatch(/new writes are refused.*\n.*DRAIN_TIMEOUT.*pid \d+/)
  await expect(write('acme')).rejects.toMatchObject({ code: '25006' })
  await writer.query('rollback')
  writer.release()
  await ask('off', ...at)
})

test('a move waits with its rows until writes are let in, and then goes on', async () => {
  const both = ['--url-from', 'SOURCE_URL', 'TARGET_URL']
  await ask('on', ...both, '--reason', 'a pause')
  const plan = world.plan({ attempts: 50, backoffMs: 100 })
  const { runId } = await world.rehome.enqueue(plan, { tenants: ['acme'] })
  await world.work([plan])
  await eventually(async () => {
    const { moves } = await world.rehome.status(String(runId))
    expect(moves[0]?.error_code).toBe('FENCE_HELD')
  })
  await ask('off', ...both)
  expect((await ended(world, runId)).get('acme')?.phase).toBe('moved')
})

test.each([
  [['on'], 2, /give a --reason/],
  [['on', '--reason', ' '], 2, /give a --reason/],
  [['on', '--reason', 'x', '--for', '10'], 2, /"10" is no length of time/],
  [['perhaps'], 2, /"perhaps" is not one of on, off, show/],
  [['on', '--reason', 'x', '--scope', 'wiki'], 3, /no table is guarded for scope "wiki"/],
  [['on', '--reason', 'x', '--url-from', 'NO_URL'], 2, /NO_URL, which is not set/],
  [['on', '--reason', 'x', '--url-from', 'SOURCE_URL', 'CONTROL_URL'], 3, /there is no fence here/],
])('%j changes nothing and says what to do', async (args, code, error) => {
  const given = args.includes('--url-from') ? args : [...args, ...at]
  const ran = await ask(...given)
  expect([ran.code, ran.out]).toEqual([code, ''])
  expect(ran.error).toMatch(error)
  expect(ran.error.trim().split('\n')).toHaveLength(1)
  await write('beta')
})

test('--dry-run only says what it would do', async () => {
  expect((await ask('on', ...at, '--reason', 'x', '--dry-run')).out).toMatch(/would refuse/)
  await write('beta')
})

test('no single tenant can be called as the whole application is', async () => {
  await world.source.pool.query(
    `insert into tenants values ('*', 'Everybody') on conflict do nothing`,
  )
  const enqueued = world.rehome.enqueue(world.plan(), { tenants: ['*'] })
  await expect(enqueued).rejects.toMatchObject({ code: 'TENANT_ID_INVALID' })
})
