// `rehome canary`: does every instance of an application really stop writing?
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isTenantFenced } from '../../src/client/index.ts'
import { canary } from '../../src/coordinator/canary.ts'
import { closeEnds, openEnds } from '../../src/coordinator/installation.ts'
import { checkPlan } from '../../src/plan/check-plan.ts'
import type { Pool } from '../../src/postgres.ts'
import { rehome } from '../helpers/command.ts'
import { eventually } from '../helpers/eventually.ts'
import { type PlanFile, writePlanFile } from '../helpers/plans/plan-file.ts'
import { createWorld, type World } from '../helpers/world.ts'

let world: World
let file: PlanFile
const instances: { close(): void }[] = []

beforeAll(async () => {
  world = await createWorld()
  file = await writePlanFile(`['ours', 'beta']`)
  await world.addTenant('ours')
  await world.addTenant('beta')
})

afterAll(async () => {
  for (const instance of instances) instance.close()
  await file[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

/** An instance of an application, which answers a write with what became of it. */
async function instanceOf(write: () => Promise<unknown>): Promise<string> {
  const server = createServer((_, response) => {
    write().then(
      () => response.writeHead(201).end(),
      (error: unknown) => {
        const headers = isTenantFenced(error) ? { 'tenant-mode': 'read-only' } : undefined
        response.writeHead(headers ? 503 : 500, headers).end()
      },
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  instances.push(server)
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/notes`
}

const insert = `insert into notes (tenant_id, body) values ('ours', 'canary')`
const save = (pool: Pool) => () => pool.query(insert)

const ask = async (...args: string[]) =>
  await rehome(['canary', file.path, '--tenant', 'ours', ...args], world.environment)

test('instances that refuse are listed, one a line', async () => {
  const [one, two] = [
    await instanceOf(save(world.source.pool)),
    await instanceOf(save(world.source.pool)),
  ]
  const { code, out, error } = await ask('--url', one, two, '--body', '{}')
  expect([code, error]).toEqual([0, ''])
  const line =
    'written before (201), refused while fenced (503 read-only, N ms), written after (201)'
  expect(out.replace(/\d+ ms/g, 'N ms').split('\n')).toEqual([
    `${one}: ${line}`,
    `${two}: ${line}`,
    'no row of the tenant was written while it was fenced',
    '',
  ])
  await world.source.pool.query(insert)
})

test('an instance that writes elsewhere is found', async () => {
  await world.target.pool.query(`insert into tenants (id, name) values ('ours', 'x')`)
  const good = await instanceOf(save(world.source.pool))
  const elsewhere = await instanceOf(save(world.target.pool))
  const found = await ask('--url', good, elsewhere)
  expect([found.code, found.error.split('\n').length]).toEqual([4, 2])
  expect(found.error).toContain(
    `WRITE_NOT_REFUSED: ${elsewhere} answered that it has written (201), but no`,
  )
})

test('rows that change are seen, whatever an instance answers', async () => {
  const plan = checkPlan(world.plan())
  const ends = openEnds(plan, world.environment)
  let writes = 0
  const quiet = async () => {
    writes += 1
    const client = await world.source.pool.connect()
    await client.query('alter table notes disable trigger rehome_insert')
    await client.query(insert)
    await client.query('alter table notes enable always trigger rehome_insert')
    client.release()
    return { accepted: writes !== 2, polite: true, answer: 'as it likes' }
  }
  const tried = canary(
    world.rehome,
    { plan, ends },
    {
      ...{ tenant: 'ours', instances: ['sly'], answerMs: 10_000, write: quiet },
    },
  )
  await expect(tried).rejects.toMatchObject({
    code: 'WRITE_NOT_REFUSED',
    message: expect.stringContaining('rows have changed in "notes"'),
  })
  await closeEnds(ends)
})

test('a leak is reported though the instance breaks down after it', async () => {
  const plan = checkPlan(world.plan())
  const ends = openEnds(plan, world.environment)
  const sly = save(world.source.pool)
  let writes = 0
  const write = async () => {
    writes += 1
    if (writes !== 2) await sly()
    return { accepted: writes < 3, polite: false, answer: `${writes}` }
  }
  const options = { tenant: 'ours', instances: ['sly'], answerMs: 10_000, write }
  const tried = canary(world.rehome, { plan, ends }, options)
  await expect(tried).rejects.toMatchObject({ code: 'WRITE_NOT_REFUSED' })
  await closeEnds(ends)
})

test('an instance whose door still remembers the fence is asked again', async () => {
  const plan = checkPlan(world.plan())
  const ends = openEnds(plan, world.environment)
  let asked = 0
  const write = async () => {
    asked += 1
    const remembers = asked === 2 || asked === 3
    if (!remembers) await save(world.source.pool)()
    return { accepted: !remembers, polite: remembers, answer: `${asked}` }
  }
  const options = { tenant: 'ours', instances: ['door'], answerMs: 10_000, write }
  const [result] = await canary(world.rehome, { plan, ends }, options)
  expect(result).toMatchObject({ fenced: { answer: '2' }, after: { answer: '4' } })
  await closeEnds(ends)
})

test('a tenant that is fenced already is left alone', async () => {
  const flag = `insert into rehome.tenant_flags (scope, tenant_id, mode, token, epoch, move_id, reason,
    retry_after_s, expires_at) values ('default', 'ours', 'read_only', gen_random_uuid(),
    gen_random_uuid(), gen_random_uuid(), 'x', 1, now() + interval '1 hour')`
  await world.source.pool.query(flag)
  const { code, error } = await ask('--url', 'http://127.0.0.1:1/')
  expect([code, error]).toEqual([
    3,
    expect.stringMatching(/FENCE_HELD: tenant "ours" is read_only/),
  ])
  await world.source.pool.query('delete from rehome.tenant_flags')
})

test('an instance that keeps a write waiting is given up, and the tenant is not', async () => {
  const waiting = await instanceOf(() =>
    eventually(() => world.source.pool.query(insert), { withinMs: 60_000 }),
  )
  const { code, out } = await ask('--url', waiting, '--answer', '1s')
  expect(code).toBe(0)
  expect(out).toMatch(/refused while fenced \(no answer within 1000 ms, .*an error, not a pause/)
  await world.source.pool.query(insert)
})

test.each([
  [[], 2, /set --url to where/],
  [['--url', 'notes'], 2, /"notes" is no http/],
  [['--url', 'http://127.0.0.1:1/', '--header', 'x'], 2, /has to be "name: value"/],
  [['--url', 'http://127.0.0.1:1/'], 2, /refuses the write even without a fence/],
])('%j changes nothing and says what to do', async (args, code, message) => {
  const ran = await ask(...args)
  expect([ran.code, ran.out]).toEqual([code, ''])
  expect(ran.error).toMatch(message)
  expect(ran.error.trim().split('\n')).toHaveLength(1)
  expect((await world.source.pool.query('select from rehome.tenant_flags')).rowCount).toBe(0)
})

test('--dry-run of canary and rehearse says what would happen, and does none of it', async () => {
  const withoutServer = 'http://127.0.0.1:1/notes'
  const { code, out, error } = await ask('--url', withoutServer, '--dry-run')
  expect([code, error, out]).toEqual([
    0,
    '',
    expect.stringMatching(/would fence tenant "ours" .*\nwould send POST .* to http.*1\/notes: /),
  ])
  const rehearsing = ['rehearse', file.path, '--tenant', 'ours', '--dry-run']
  const said = await rehome(rehearsing, world.environment)
  expect([said.code, said.error, said.out]).toEqual([
    0,
    '',
    expect.stringMatching(/would copy tenant "ours" from .* to .*\nwould compare 4 table\(s\)/),
  ])
  const { nextSteps } = JSON.parse((await rehome([...rehearsing, '--json'], world.environment)).out)
  expect(nextSteps).toEqual([`rehome rehearse ${file.path} --tenant ours`])
  expect(await world.rehome.runs()).toEqual([])
  const flags = await world.target.pool.query('select from rehome.tenant_flags')
  expect(flags.rows).toEqual([])
})
