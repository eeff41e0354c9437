// Decisions about runs on the board: what each role may do, by page and by API.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Board } from '../../../src/dashboard/start-board.ts'
import { eventually } from '../../helpers/eventually.ts'
import { moveOf } from '../../helpers/runs.ts'
import { onlinePlan } from '../../helpers/way-back.ts'
import { createWorld, type World } from '../../helpers/world.ts'
import {
  approverToken,
  ask,
  bearer,
  openBoard,
  operatorToken,
  tokens,
  viewerToken,
} from '../board-world.ts'

const waves = [{ tenants: ['a'], approve: true }, { rest: true }] as const

let world: World
let board: Board
let run = ''
beforeAll(async () => {
  world = await createWorld({ plan: { ...onlinePlan, hold: { everyMs: 300 }, waves } })
  for (const tenant of ['a', 'b']) await world.addTenant(tenant, 2)
  run = (await world.rehome.enqueue(world.plan(), { until: 'verify' })).runId ?? ''
  board = await openBoard(world, tokens)
})
afterAll(async () => {
  await board?.close()
  await world?.[Symbol.asyncDispose]()
})

async function decide(step: string, token: string, body: object = {}) {
  const headers = { ...bearer(token), 'content-type': 'application/json' }
  const text = JSON.stringify({ reason: 'as agreed', ...body })
  return await ask(board, `/api/runs/${run}/${step}`, { method: 'POST', headers, body: text })
}

async function post(path: string, fields: Record<string, string>) {
  const type = 'application/x-www-form-urlencoded'
  const headers = { ...bearer(operatorToken), 'content-type': type }
  return await ask(board, path, { method: 'POST', headers, body: `${new URLSearchParams(fields)}` })
}

const get = async (path: string, token: string) =>
  (await ask(board, path, { headers: { ...bearer(token), accept: 'text/html' } })).text

test('viewers decide nothing, approvers only what waits for a person', async () => {
  for (const step of ['pause', 'resume', 'complete', 'approve', 'cancel']) {
    const dry = { dryRun: true }
    expect(await decide(step, viewerToken, dry), step).toMatchObject({ status: 403 })
    const { status, json } = await decide(step, approverToken, dry)
    const isTheirs = step === 'complete' || step === 'approve'
    expect(status === 403, step).toBe(!isTheirs)
    if (step === 'complete') expect(json).toEqual({ count: 2, tenants: ['a', 'b'] })
    // A wave with an open move is not approved, by any role.
    if (step === 'approve') expect(json).toMatchObject({ error: 'NOT_ALLOWED_NOW' })
    expect((await decide(step, operatorToken, dry)).status, step).toBe(
      step === 'approve' ? 409 : 200,
    )
  }
  const others = ['/api/queues/rehome-moves/pause', `/actions/cleanup/${run}/a`]
  for (const path of others) {
    const headers = bearer(approverToken)
    expect((await ask(board, path, { method: 'POST', headers })).status, path).toBe(403)
  }
})

test('a decision without a reason, or of an unknown form, changes nothing', async () => {
  const wrong = [
    { reason: '' },
    { reason: undefined },
    { tenant: 'a' },
    { wave: 0 },
    { tenants: [] },
  ]
  for (const body of wrong) {
    const { status, json } = await decide('pause', operatorToken, body)
    expect(json, JSON.stringify(body)).toMatchObject({ error: 'USAGE' })
    expect(status).toBe(400)
  }
  expect((await decide('pause', operatorToken, { tenants: ['nobody'] })).status).toBe(404)
  expect((await decide('pause', operatorToken, { wave: 7 })).status).toBe(400)
  const foreign = { origin: 'http://evil.example', 'content-type': 'text/plain' }
  const path = `/api/runs/${run}/cancel`
  expect((await ask(board, path, { method: 'POST', headers: foreign })).status).toBe(401)
  expect(await world.rehome.history(run)).toEqual([])
})

test('a page says what comes of a decision, and wants a name, a reason and a confirmation', async () => {
  const path = `/steer/${run}/cancel`
  const shown = await get(path, operatorToken)
  expect(shown).toContain('<b>2</b> tenants that have not begun are called off')
  expect(await get(path, approverToken)).toContain('Your role may not ask for it.')
  const form = { by: 'Ada', reason: 'a slow night', confirmed: 'yes' }
  for (const field of ['by', 'reason', 'confirmed']) {
    const { status, text } = await post(path, { ...form, [field]: '' })
    expect([status, text.includes('Nothing was done: ')], field).toEqual([400, true])
  }
  expect(await world.rehome.history(run)).toEqual([])
  const paused = await post(`/steer/${run}/pause?tenant=b`, form)
  expect(paused).toMatchObject({ status: 303, headers: { location: `/tenants/${run}/b` } })
  expect((await world.rehome.show(run, 'b')).events.at(-1)?.message).toBe(
    'paused by Ada (operator on the board): a slow night',
  )
  const tenant = await get(`/tenants/${run}/b`, operatorToken)
  for (const text of ['Resume', 'Complete', 'The move is held until somebody completes it.']) {
    expect(tenant).toContain(text)
  }
  await post(`/steer/${run}/resume?tenant=b`, form)
})

test('what cannot be read of whom it is about is refused, on every way', async () => {
  const before = await world.rehome.history(run)
  const form = { by: 'Ada', reason: 'a slow night', confirmed: 'yes' }
  for (const query of ['tenant=a&tenant=b', 'tenant=', 'wave=x', 'wave=', 'tenants=a']) {
    const path = `/steer/${run}/cancel?${query}`
    expect((await post(path, form)).status, path).toBe(400)
    expect(await get(path, operatorToken), path).toContain('USAGE')
  }
  const inForm = { ...form, tenant: 'a' }
  expect((await post(`/steer/${run}/cancel`, inForm)).status).toBe(400)
  expect((await post(`/steer/${run}/approve?tenant=a`, form)).status).toBe(400)
  expect((await post(`/steer/${run}/pause`, { ...form, finish: 'on' })).status).toBe(400)
  const chosen = { ...form, errand: 'cancel', tenants: '%', ask: 'yes' }
  expect((await post(`/chosen/${run}`, chosen)).status).toBe(400)
  expect((await decide('cancel?tenant=a', operatorToken)).status).toBe(400)
  const repeated = ['/runs?before=a&before=b', `/runs/${run}/live?tenant=a&tenant=b`]
  for (const path of [...repeated, `/runs/${run}/live?tenant=`, `/runs/${run}?phase=a&phase=b`]) {
    expect((await ask(board, path, { headers: bearer(operatorToken) })).status, path).toBe(400)
  }
  expect(await world.rehome.history(run)).toEqual(before)
  for (const tenant of ['a', 'b']) expect((await moveOf(world, run, tenant)).open).toBe(true)
})

test('programs ask for errands, skips, priorities and limits, as operators alone may', async () => {
  const dry = { dryRun: true }
  const bodies: Readonly<Record<string, object>> = {
    rollback: { ...dry, all: true },
    retry: { ...dry, tenants: ['a'] },
    skip: { ...dry, tenants: ['a', 'b'] },
    priority: { ...dry, priority: 'last' },
  }
  for (const [step, body] of Object.entries(bodies)) {
    for (const token of [viewerToken, approverToken]) {
      expect(await decide(step, token, body), step).toMatchObject({ status: 403 })
    }
  }
  const asked = async (step: string) => (await decide(step, operatorToken, bodies[step])).json
  expect(await asked('rollback')).toMatchObject({ count: 2, tenants: ['a', 'b'], passedOver: {} })
  expect(await asked('rollback')).toMatchObject({
    costs: [expect.stringMatching(/^2 tenants: not/)],
  })
  expect(await asked('retry')).toMatchObject({ error: 'NOT_ALLOWED_NOW' })
  expect(await asked('skip')).toEqual({ count: 2, tenants: ['a', 'b'] })
  expect((await decide('priority', operatorToken, { priority: 'last', by: 'Ada' })).json).toEqual({
    priority: 'last',
  })
  const [decision] = await world.rehome.history(run)
  expect(decision).toMatchObject({ kind: 'priority', reason: 'as agreed' })
  expect(decision?.by).toBe('Ada (operator on the board)')
  for (const body of [{}, { tenants: [] }, { wave: 0 }, { all: true, discardWrite: true }]) {
    const refused = { status: 400, json: { error: 'USAGE' } }
    expect(await decide('rollback', operatorToken, body)).toMatchObject(refused)
  }
  const cleanup = await decide('cleanup', operatorToken, { all: true, discardWrites: true })
  expect(cleanup.json).toMatchObject({ error: 'USAGE' })
})

test('the limit of moves at once is set by operators alone', async () => {
  const limit = async (body: object, token = operatorToken) => {
    const headers = { ...bearer(token), 'content-type': 'application/json' }
    const request = { method: 'POST', headers, body: JSON.stringify(body) }
    return await ask(board, '/api/concurrency', request)
  }
  expect(await limit({ moves: 3 }, approverToken)).toMatchObject({ status: 403 })
  expect(await limit({ moves: 0 })).toMatchObject({ status: 400 })
  expect((await limit({ moves: 3 })).json).toEqual({ moves: 3 })
  expect((await limit({ moves: 2, server: 'db1:5432' })).json).toMatchObject({ moves: 2 })
  expect(await world.rehome.movesAtOnce()).toBe(3)
  expect(await world.rehome.serverLimits()).toEqual({ 'db1:5432': 2 })
  await limit({ moves: null })
  await limit({ moves: null, server: 'db1:5432' })
  expect([await world.rehome.movesAtOnce(), await world.rehome.serverLimits()]).toEqual([null, {}])
})

test('an approver completes a wave and approves it; the run page offers what each may do', async () => {
  await using _worker = await world.work()
  await eventually(async () => expect((await moveOf(world, run, 'a')).phase).toBe('hold'))
  const page = await get(`/runs/${run}`, approverToken)
  expect(page).toContain('2 tenant(s) are held until')
  const offered = (text: string) =>
    [...text.matchAll(/\/steer\/[^/]+\/(\w+)/g)].map(([, step]) => step)
  expect(offered(page)).toEqual(['complete', 'approve'])
  expect(offered(await get(`/runs/${run}`, viewerToken))).toEqual([])
  const all = ['pause', 'complete', 'approve', 'cancel']
  expect(offered(await get(`/runs/${run}`, operatorToken))).toEqual(all)

  const completed = await decide('complete', approverToken, { wave: 1, by: 'Grace' })
  expect(completed.json).toEqual({ count: 1, tenants: ['a'] })
  await eventually(async () => expect((await moveOf(world, run, 'a')).open).toBe(false))
  await eventually(async () => {
    expect((await decide('approve', approverToken, { wave: 1, by: 'Grace' })).json).toEqual({
      wave: 1,
    })
  })
  await eventually(async () => expect((await moveOf(world, run, 'b')).phase).toBe('hold'))
  const kinds = (await world.rehome.history(run)).map(({ kind, by }) => `${kind} ${by}`)
  expect(kinds).toContain('approved Grace (approver on the board)')
  const none = { count: 0, tenants: [] }
  const cancelled = await decide('cancel', operatorToken)
  expect(cancelled.json).toEqual({
    ...{ calledOff: none, takenBack: { count: 1, tenants: ['b'] }, forward: none },
  })
})
