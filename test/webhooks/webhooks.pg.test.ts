// Webhooks of a run, with a real receiver that fails now and then.
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  claimText,
  claimWebhooks,
  forgetWebhooks,
  resendWebhooks,
} from '../../src/control/webhooks.ts'
import { deliverWebhooks } from '../../src/coordinator/webhooks/deliver.ts'
import { receiverOf } from '../../src/coordinator/webhooks/receiver.ts'
import { poison } from '../dashboard/board-world.ts'
import { rehome } from '../helpers/command.ts'
import { eventually } from '../helpers/eventually.ts'
import { type Listening, listening } from '../helpers/http/listening.ts'
import { noPoison } from '../helpers/moves/no-poison.ts'
import { ended } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

interface Received {
  readonly id: string
  readonly type: string
  readonly sequence: number
  readonly run: { id: string; plan: string }
  readonly data: Record<string, unknown>
}

const secret = 'a secret of at least 24 bytes'
let world: World
let server: Listening
let received: Received[] = []
/** The status of the next answers. */
let answers: number[] = []

beforeAll(async () => {
  server = await listening(
    createServer(async (request, response) => {
      const body = await text(request)
      const of = (name: string) => String(request.headers[name])
      const signed = `${of('webhook-id')}.${of('webhook-timestamp')}.${body}`
      const signature = createHmac('sha256', secret).update(signed).digest('base64')
      const right = of('webhook-signature') === `v1,${signature}`
      const status = right ? (answers.shift() ?? 200) : 401
      if (status === 200) received.push({ id: of('webhook-id'), ...JSON.parse(body) })
      response.writeHead(status, { location: '/elsewhere' }).end()
    }),
  )
  world = await createWorld({
    target: noPoison,
    reconcileEveryMs: 100,
    plan: { attempts: 1, rollback: { windowMs: 1_000 } },
  })
  for (const tenant of ['acme', 'bad', 'more']) await world.addTenant(tenant, 1)
  await poison(world, 'bad')
})

afterAll(async () => {
  await Promise.all([world?.[Symbol.asyncDispose](), server?.[Symbol.asyncDispose]()])
})

beforeEach(() => {
  received = []
  answers = []
})

const settings = () => ({ REHOME_WEBHOOK_URL: `${server.url}/hook`, REHOME_WEBHOOK_SECRET: secret })

test('a run tells its start, waits, waves, failures and end in order, over failing answers', async () => {
  const plan = world.plan({
    waves: [{ tenants: ['acme'], name: 'first', approve: true }, { rest: true }],
  })
  answers = [500, 307]
  await using _worker = await world.work([plan], settings())
  await eventually(async () => {
    const { rows } = await world.control.pool.query(
      'select webhooks from rehome_control.installation',
    )
    expect(rows).toEqual([{ webhooks: true }])
  })
  const runId = (await world.rehome.enqueue(plan)).runId ?? ''
  const types = () => received.map(({ type }) => type)
  const within = { withinMs: 40_000 }
  await eventually(() => expect(types()).toContain('run.waiting_for_approval'), within)
  await world.rehome.approve(runId)
  await ended(world, runId)
  const last = expect.arrayContaining(['run.windows_ended', 'run.finished'])
  await eventually(() => expect(types()).toEqual(last), within)
  expect(types().filter((type) => type !== 'run.windows_ended')).toEqual([
    'run.started',
    'run.waiting_for_approval',
    'run.wave_started',
    'move.failed',
    'run.finished',
  ])
  const of = (type: string) => received.find((one) => one.type === type)
  expect(of('run.waiting_for_approval')?.data).toMatchObject({ wave: 1 })
  expect(of('run.wave_started')?.data).toMatchObject({
    wave: 2,
    waves: 2,
    name: 'rest',
    tenants: 2,
  })
  expect(of('move.failed')).toMatchObject({
    run: { id: runId, plan: 'small' },
    data: { tenant: 'bad', errand: 'move', phase: 'failed', code: 'ROW_REJECTED' },
  })
  expect(of('run.finished')?.data).toEqual({ phases: { moved: 2, failed: 1 } })
  expect(received.map(({ sequence }) => sequence)).toEqual(
    received.map(({ sequence }) => sequence).toSorted((a, b) => a - b),
  )
  await world.rehome.pause(runId, { reason: 'enough' })
  await eventually(() => expect(of('run.paused')?.data).toEqual({ by: 'tester', reason: 'enough' }))
  expect(new Set(received.map(({ id }) => id)).size).toBe(received.length)
  const state = await rehome(['webhooks', '--json'], { ...world.environment, ...settings() })
  expect(JSON.parse(state.out)).toMatchObject({
    ...{ receiver: `${server.url}/hook`, waiting: 0, givenUp: 0, delivered: received.length },
  })
})

describe('an outbox with two messages of one run', () => {
  const control = async (query: string, values: unknown[] = []) =>
    (await world.control.pool.query(query, values)).rows
  const receiver = () => receiverOf(settings())
  const deliver = async () => {
    const to = receiver()
    if (!to) throw new Error('no receiver')
    const options = { signal: new AbortController().signal, waitMs: 1, onFailure: () => {} }
    await deliverWebhooks(world.rehome.control, to, options)
  }
  const types = () => received.map(({ type }) => type)

  beforeEach(async () => {
    await control('update rehome_control.moves set window_until = null')
    await control('delete from rehome_control.webhook_messages')
    await control(`update rehome_control.installation set webhooks = true`)
    const [run] = await control('select id from rehome_control.runs limit 1')
    const tell = 'select rehome_control.tell_webhooks($1, $2, $1, $3)'
    for (const type of ['one', 'two']) await control(tell, [type, run.id, '{}'])
  })

  test('the second one waits for the first, whichever worker sends it', async () => {
    answers = [503, 503, 503]
    await Promise.all([deliver(), deliver()])
    await eventually(async () => {
      await Promise.all([deliver(), deliver()])
      expect(types()).toEqual(['one', 'two'])
    })
  })

  test('a worker that dies while it sends leaves the message to others, under the same key', async () => {
    const [claimed] = await claimWebhooks(world.rehome.control, 10)
    await deliver()
    expect(received).toEqual([])
    await control('update rehome_control.webhook_messages set due_at = clock_timestamp()')
    await deliver()
    expect(types()).toEqual(['one', 'two'])
    expect(received[0]?.id).toBe(claimed?.key)
  })

  test('one that could not be delivered for days is given up, and sent again when asked for', async () => {
    await control(
      `update rehome_control.webhook_messages set give_up_at = give_up_at - interval '4 days' where about = 'one'`,
    )
    answers = [404]
    await deliver()
    expect(types()).toEqual(['two'])
    const command = async (...args: string[]) =>
      await rehome(['webhooks', ...args], { ...world.environment, ...settings() })
    expect((await command()).out).toContain('1 delivered, 1 given up')
    expect((await command('--resend')).out).toContain('1 waiting')
    await deliver()
    expect(types()).toEqual(['two', 'one'])
    await command('--test')
    expect(types()).toEqual(['two', 'one', 'test'])
  })

  test('one that is sent again is tried for as long as a new one', async () => {
    const old = `attempts = 300, at = at - interval '9 days', give_up_at = give_up_at - interval '9 days'`
    await control(`update rehome_control.webhook_messages set ${old}, last_error = 'down'`)
    await control(`update rehome_control.webhook_messages
      set outcome = 'given up', ended_at = clock_timestamp() where about = 'one'`)
    expect(await resendWebhooks(world.rehome.control)).toBe(2)
    answers = [503, 503]
    await eventually(async () => {
      await deliver()
      expect(types()).toEqual(['one', 'two'])
    })
  })

  test('one that is being sent is left to its worker when others are sent again', async () => {
    const [claimed] = await claimWebhooks(world.rehome.control, 10)
    expect(claimed).toMatchObject({ type: 'one', attempts: 1 })
    expect(await resendWebhooks(world.rehome.control)).toBe(1)
    expect(await claimWebhooks(world.rehome.control, 10)).toEqual([])
    await control(`update rehome_control.webhook_messages
      set due_at = clock_timestamp(), claimed_until = clock_timestamp()`)
    expect(await resendWebhooks(world.rehome.control)).toBe(2)
  })

  test('those that wait for 30 days are forgotten, and not those sent again', async () => {
    const age = async (about: string, days: number) =>
      await control(
        `update rehome_control.webhook_messages set give_up_at = at + interval '3 days' - $2 * interval '1 day'
          where about = $1`,
        [about, days],
      )
    await age('one', 31)
    await age('two', 29)
    const left = async () =>
      (await control('select about from rehome_control.webhook_messages order by id')).map(
        ({ about }) => about,
      )
    await forgetWebhooks(world.rehome.control)
    expect(await left()).toEqual(['two'])
    await age('two', 31)
    await resendWebhooks(world.rehome.control)
    await forgetWebhooks(world.rehome.control)
    expect(await left()).toEqual(['two'])
    await age('two', 31)
    await using _worker = await world.work()
    await eventually(async () => expect(await left()).toEqual([]))
  })

  test('without a receiver they are turned off, and on again by a worker that has one', async () => {
    const { REHOME_WEBHOOK_URL: _, ...environment } = { ...world.environment, ...settings() }
    const command = async (...args: string[]) => await rehome(['webhooks', ...args], environment)
    expect((await command('--off', '--dry-run')).out).toContain('messages are written\n2 waiting')
    const refused = await rehome(['webhooks', '--off'], { ...environment, ...settings() })
    expect(refused.error).toContain('REHOME_WEBHOOK_URL is set')
    expect((await command('--off')).out).toContain('no messages are written\n2 waiting')
    const [run] = await control('select id from rehome_control.runs limit 1')
    await world.rehome.resume(run.id, { reason: 'on' })
    await world.rehome.pause(run.id, { reason: 'off' })
    expect(JSON.parse((await command('--json')).out)).toMatchObject({ writing: false, waiting: 2 })
    await using _worker = await world.work(undefined, settings())
    await eventually(() => expect(types()).toEqual(['one', 'two']))
    expect(JSON.parse((await command('--json')).out)).toMatchObject({ writing: true })
  })

  test('a claim reads one entry a run, however many messages wait', async () => {
    const tell = `insert into rehome_control.webhook_messages (about, run_id, type)
      select n::text, $1, 'many' from generate_series(1, 20000) n`
    const [run] = await control('select id from rehome_control.runs limit 1')
    await control(tell, [run.id])
    await control('analyze rehome_control.webhook_messages')
    const plan = (await control(`explain (analyze, buffers, format json) ${claimText}`, [10]))[0]
    const { Plan } = plan['QUERY PLAN'][0]
    expect(Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks']).toBeLessThan(100)
    expect(Plan['Actual Rows']).toBe(1)
  })
})
