// The tenant's page: everything that is known of one move, for people and for programs.
import { expect, test } from 'vitest'
import { tenantPath } from '../../src/dashboard/tenant-path.ts'
import { noPoison } from '../helpers/moves/no-poison.ts'
import { ended, runAll } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'
import {
  ask,
  bearer,
  cookieFor,
  cure,
  openBoard,
  operatorToken,
  poison,
  tokens,
  viewerToken,
} from './board-world.ts'

/** The text of a page, without its tags. */
function textOf(page: string): string {
  const body = page.slice(page.indexOf('<body>'))
  return body.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')
}

async function failedWorld(): Promise<{ world: World; runId: string }> {
  const world = await createWorld({ target: noPoison })
  await world.addTenant('bad')
  await poison(world, 'bad')
  await world.work()
  return { world, runId: await runAll(world) }
}

test('shows what was copied, compared and measured, and what happened when', async () => {
  await using world = await createWorld()
  await world.addTenant('acme', 30)
  await using _worker = await world.work()
  const runId = await runAll(world)
  await using board = await openBoard(world)
  const { status, text, headers } = await ask(board, `/tenants/${runId}/acme`)
  expect(status).toBe(200)
  expect(headers['content-type']).toMatch(/^text\/html/)
  const shown = textOf(text)
  expect(shown).toMatch(new RegExp(`acme run ${runId} of plan small by tester · .+ → `))
  expect(shown).toMatch(/Phase moved Attempt 1 Rows copied 111 of 111 Writes paused [\d.]+ m?s/)
  expect(shown).toContain('notes 30 30 30 30 0 equal note_lines 60 60 60 60 0 equal')
  expect(shown).toMatch(
    /Phases .* preflight [\d.]+ m?s fence .* ms drain .* copy .* verify .* cutover .* release/,
  )
  expect(shown).toMatch(/1 phase copy begins .* 1 settled moved/)
  expect(shown).not.toContain('Retry')
  expect(shown).toContain('It lives at the target')
  expect(text).not.toContain('http-equiv="refresh"')
  expect(text).toContain(`<a href="/runs/${runId}">`)
})

test('gives programs the same as JSON, without what a worker proves itself with', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  await using _worker = await world.work()
  const runId = await runAll(world)
  await using board = await openBoard(world)
  const { status, json, text } = await ask(board, `/tenants/${runId}/acme.json`)
  expect(status).toBe(200)
  expect(json).toMatchObject({
    run: { id: runId, plan_name: 'small' },
    move: { tenant_id: 'acme', phase: 'moved', evidence: { copied: { notes: { read: 10 } } } },
    events: expect.arrayContaining([expect.objectContaining({ message: 'moved' })]),
  })
  const { token, epoch } = (await world.rehome.show(runId, 'acme')).move
  expect(epoch).toMatch(/^[\w-]{36}$/)
  for (const secret of [token, epoch]) if (secret !== null) expect(text).not.toContain(secret)
})

test('keeps a hostile tenant id text, and finds the tenant by it', async () => {
  const tenants = ['..', 'a.json', `<script>alert(1)</script>`, `"'&/%?#`, 'rtl\u202eevil', ' ']
  await using world = await createWorld()
  for (const tenant of tenants) await world.addTenant(tenant, 1)
  const { runId } = await world.rehome.enqueue(world.plan())
  await using board = await openBoard(world)
  for (const tenant of tenants) {
    // As a browser writes it: it takes dots for directions.
    const { pathname } = new URL(tenantPath(runId ?? '', tenant), board.url)
    const { status, text } = await ask(board, pathname)
    expect(status, tenant).toBe(200)
    expect(text.match(/<script\b[^>]*>/g)).toEqual([
      '<script type="module" src="/assets/board.js">',
    ])
    expect(text).not.toContain('\u202e')
    expect(text).toContain('http-equiv="refresh" content="3"')
    const { json } = await ask(board, `${pathname}.json`)
    expect(json).toMatchObject({ move: { tenant_id: tenant, phase: 'queued' } })
  }
})

test('says that there is no such run, tenant or page', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  const { runId } = await world.rehome.enqueue(world.plan())
  await using board = await openBoard(world)
  const nobody = await ask(board, `/tenants/${runId}/nobody<b>`)
  expect(nobody.status).toBe(404)
  expect(textOf(nobody.text)).toContain('TENANT_UNKNOWN')
  expect(nobody.text).not.toContain('<b>')
  expect(await ask(board, '/tenants/none/acme.json')).toMatchObject({
    status: 404,
    json: { error: 'RUN_UNKNOWN' },
  })
  for (const path of ['/tenants', '/tenants/', `/tenants/${runId}`, `/tenants/${runId}/a/b`]) {
    expect((await ask(board, path)).status, path).toBe(404)
  }
  expect((await ask(board, `/tenants/${runId}/%zz`)).status).toBe(400)
})

test('the page of an errand says its price, and asks for it once, with who and why', async () => {
  const { world, runId } = await failedWorld()
  await using _world = world
  await cure(world)
  await using board = await openBoard(world)
  const { text } = await ask(board, `/tenants/${runId}/bad`)
  expect(textOf(text)).toContain('ROW_REJECTED in copy copying to &#34;notes&#34;')
  expect(textOf(text)).toMatch(/What to do: .* Home It lives at the source/)
  const path = `/actions/retry/${runId}/bad`
  expect(text).toContain(`href="${path}"`)
  expect(text).not.toContain(`/actions/finalize/`)
  const price = await ask(board, path)
  expect(price.status).toBe(200)
  expect(textOf(price.text)).toMatch(/gets all of its \d attempts again.*Its writes pause/)

  const post = async (fields: Record<string, string>) => {
    const headers = { origin: board.url, 'content-type': 'application/x-www-form-urlencoded' }
    const body = String(new URLSearchParams(fields))
    return await ask(board, path, { method: 'POST', headers, body })
  }
  const form = { by: 'Ada <b>', reason: 'the row is gone', confirmed: 'yes' }
  for (const field of ['by', 'reason', 'confirmed']) {
    const answer = await post({ ...form, [field]: '' })
    expect(answer.status, field).toBe(400)
    expect(textOf(answer.text), field).toContain('Not asked for')
  }
  expect((await world.rehome.show(runId, 'bad')).move.open).toBe(false)
  const answer = await post(form)
  expect(answer).toMatchObject({ status: 303, headers: { location: `/tenants/${runId}/bad` } })
  expect((await ended(world, runId)).get('bad')?.phase).toBe('moved')
  const asked = (await world.rehome.show(runId, 'bad')).events.find(({ kind }) => kind === 'asked')
  expect(asked).toMatchObject({
    message: 'move asked for by Ada <b> (operator on the board): the row is gone',
    data: { errand: 'move', reason: 'the row is gone' },
  })
  const again = await post(form)
  expect(again.status).toBe(409)
  expect(textOf(again.text)).toContain('is moved: only a failed move can be retried')
  for (const nowhere of [`retry/${runId}/nobody`, `burn/${runId}/bad`, `retry/${runId}`]) {
    expect((await ask(board, `/actions/${nowhere}`)).status, nowhere).toBe(404)
  }
})

test('says what a tenant takes along on its way back, and what not', async () => {
  await using world = await createWorld({
    target: 'alter table notes add column mood text',
    plan: { rollback: { windowMs: 600_000 } },
  })
  await world.addTenant('acme', 1)
  await using _worker = await world.work()
  const runId = await runAll(world)
  await using board = await openBoard(world)
  const oneWay =
    /written to table &#34;notes&#34; since cannot come back \(the source has no place for .* &#34;mood&#34;\)/
  for (const path of [`/tenants/${runId}/acme`, `/actions/rollback/${runId}/acme`]) {
    const shown = textOf((await ask(board, path)).text)
    expect(shown, path).toMatch(oneWay)
    expect(shown, path).toContain('The way back has not been audited')
  }
  const audit = { at: '2026-01-01T00:00:00.000Z', changes: 1234 }
  await world.control.pool.query(
    `update rehome_control.moves set evidence = evidence || $1::jsonb`,
    [JSON.stringify({ audit })],
  )
  expect(textOf((await ask(board, `/tenants/${runId}/acme`)).text)).toMatch(
    /It can come back with its writes until .* found 1,234 of these changes/,
  )
})

test('offers no errand to a viewer, and takes none from him or from another site', async () => {
  const { world, runId } = await failedWorld()
  await using _world = world
  await using board = await openBoard(world, tokens)
  const path = `/actions/retry/${runId}/bad`
  const at = async (path: string, headers: Record<string, string>, method = 'GET') =>
    await ask(board, path, { method, headers })
  const tenant = `/tenants/${runId}/bad`
  expect((await at(tenant, bearer(operatorToken))).text).toContain('>Retry …<')
  const page = await at(tenant, bearer(viewerToken))
  expect(page.text).not.toContain('/actions/')
  expect(textOf(page.text)).toContain(`To try again: rehome retry ${runId} --tenant bad`)
  expect((await at(path, bearer(viewerToken))).text).not.toContain('<button')
  const [viewer, operator] = [
    await cookieFor(board, viewerToken),
    await cookieFor(board, operatorToken),
  ]
  const before = await world.rehome.show(runId, 'bad')
  expect((await at(path, { cookie: viewer, origin: board.url }, 'POST')).status).toBe(403)
  expect((await at(path, { cookie: operator }, 'POST')).status).toBe(403)
  const foreign = { cookie: operator, origin: 'http://evil.example' }
  expect((await at(path, foreign, 'POST')).status).toBe(403)
  expect(await world.rehome.show(runId, 'bad')).toEqual(before)
})

test('an outage of the control database is reported without its address', async () => {
  await using world = await createWorld({ backend: { name: 'postgres' } })
  await using board = await openBoard(world)
  // A connection that is lost while BullMQ prepares it would end the process, not the request.
  await ask(board, '/api/queues')
  await world.control.drop()
  const page = await ask(board, '/tenants/run-1/acme')
  expect([500, 503]).toContain(page.status)
  const queues = await ask(board, '/api/queues')
  expect(queues).toMatchObject({ status: 500, json: { error: 'Not possible' } })
  for (const { text } of [page, queues]) expect(text).not.toMatch(/postgres:\/\/|at .*\.ts:\d+/)
  expect((await ask(board, '/healthz')).status).toBe(200)
})
