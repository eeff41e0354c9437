// The pages of runs as HTTP answers: what they show, how they are filtered, and what they cost.
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Board } from '../../../src/dashboard/start-board.ts'
import { noPoison } from '../../helpers/moves/no-poison.ts'
import { runAll } from '../../helpers/runs.ts'
import { createWorld, type World } from '../../helpers/world.ts'
import { ask, openBoard, poison } from '../board-world.ts'
import { plantRun } from './plant-run.ts'

function textOf(page: string): string {
  const body = page.slice(page.indexOf('<main'))
  return body.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')
}

describe('a run of four tenants, one of which failed', () => {
  let world: World
  let board: Board
  let runId: string

  beforeAll(async () => {
    world = await createWorld({ target: noPoison })
    for (const tenant of ['acme', 'bad', 'umbra']) await world.addTenant(tenant)
    await world.addTenant('<b>"&', 1)
    await poison(world, 'bad')
    await world.work()
    runId = await runAll(world)
    board = await openBoard(world)
  })

  afterAll(async () => {
    await board?.close()
    await world?.[Symbol.asyncDispose]()
  })

  test('is listed, newest first', async () => {
    const { status, text } = await ask(board, '/runs')
    expect(status).toBe(200)
    expect(text).toContain(`href="/runs/${runId}"`)
    expect(textOf(text)).toMatch(/small .* tester 4 0 1 failed, 3 moved/)
    expect((await ask(board, '/runs.json')).json).toMatchObject({
      runs: [{ id: runId, moves: 4, phases: { failed: 1, moved: 3 } }],
      before: null,
    })
  })

  test('shows totals, pauses, failures with advice, and its tenants, without a script', async () => {
    const { status, text } = await ask(board, `/runs/${runId}`)
    expect(status).toBe(200)
    const shown = textOf(text)
    expect(shown).toMatch(/3 moved 1 failed Tenants done 4 of 4 \(100 %\) Time left none/)
    expect(shown).toMatch(/Pauses of writes median [\d.]+ m?s , 99th percentile .* slowest/)
    expect(shown).toMatch(/ROW_REJECTED · 1 tenant show them , for example bad .*Correct/)
    expect(shown).toMatch(/4 tenants .* acme moved .* bad failed .* umbra moved/)
    expect(text).not.toContain('<b>"')
    expect(text).not.toContain('http-equiv="refresh"')
  })

  test('its tenants are searched, filtered by phase and code, and sorted', async () => {
    const found = async (query: string) => {
      const { json } = await ask(board, `/runs/${runId}.json?${query}`)
      const { tenants } = json as { tenants: { tenants: { tenant_id: string }[] } }
      return tenants.tenants.map((tenant) => tenant.tenant_id)
    }
    expect(await found('q=UMB')).toEqual(['umbra'])
    expect(await found('q=%25')).toEqual([])
    expect(await found('phase=failed')).toEqual(['bad'])
    expect(await found('phase=waiting')).toEqual([])
    expect(await found('code=ROW_REJECTED')).toEqual(['bad'])
    expect((await found('phase=moved&sort=rows')).at(-1)).toBe('<b>"&')
    expect(await found('page=2')).toEqual([])
    const { text } = await ask(board, `/runs/${runId}?phase=failed`)
    expect(textOf(text)).toContain('1 tenant ')
    expect(text).toContain('<option value="failed" selected>')
  })

  test('what does not exist is a page, and JSON for programs', async () => {
    const missing = await ask(board, '/runs/nowhere')
    expect(missing.status).toBe(404)
    expect(missing.headers['content-type']).toMatch(/^text\/html/)
    expect(textOf(missing.text)).toContain('RUN_UNKNOWN run &#34;nowhere&#34; does not exist')
    for (const path of ['/runs/nowhere.json', '/runs/nowhere/cells', '/runs/nowhere/live']) {
      expect(await ask(board, path), path).toMatchObject({ status: 404, json: expect.anything() })
    }
    expect(await ask(board, '/assets/..%2fpackage.json')).toMatchObject({ status: 404 })
  })

  test('its grid opens the page of a tenant, whatever it is called', async () => {
    const { json } = await ask(board, `/runs/${runId}/cells`)
    const { cells } = json as { cells: [string, string, number, string][] }
    expect(cells.map(([tenant, state]) => [tenant, state])).toEqual(
      expect.arrayContaining([
        ['bad', 'failed'],
        ['<b>"&', 'moved'],
      ]),
    )
    const tenant = encodeURIComponent('<b>"&')
    const { headers } = await ask(board, `/runs/${runId}/tenant?tenant=${tenant}`)
    expect((await ask(board, String(headers.location))).status).toBe(200)
  })

  test('the feed of a run that has ended sends its numbers, and ends', async () => {
    const text = await readFeed(`${board.url}/runs/${runId}/live`)
    expect(text).toMatch(
      /^: hello\n\nevent: overview\ndata: "<div id=.*event: done\ndata: null\n\n$/s,
    )
  })

  test('the report of the run is a file to keep', async () => {
    const { status, headers, text } = await ask(board, `/runs/${runId}/report`)
    expect(status).toBe(200)
    expect(headers['content-disposition']).toBe(`attachment; filename="${runId}.html"`)
    expect(text).toMatch(/^<!doctype html>.*<\/html>\s*$/s)
    expect((await ask(board, '/runs/none/report')).status).toBe(404)
  })

  test('several tenants are asked for at once, with the price first, and the others passed over', async () => {
    const post = async (...fields: [string, string][]) => {
      const headers = { origin: board.url, 'content-type': 'application/x-www-form-urlencoded' }
      const body = String(new URLSearchParams(fields))
      return await ask(board, `/chosen/${runId}`, { method: 'POST', headers, body })
    }
    const ticked = (await ask(board, `/runs/${runId}`)).text.matchAll(
      /form="chosen" value="([^"]*)"/g,
    )
    const all = [...ticked].map(([, value]): [string, string] => ['tenants', value ?? ''])
    expect(all).toHaveLength(4)
    const price = await post(['errand', 'retry'], ...all)
    expect(textOf(price.text)).toMatch(/Retry: 1 of 4 chosen tenants .* 1 tenant: copied again/)
    expect(textOf(price.text)).toContain('Passed over: 3 moved.')
    const matching: [string, string] = ['matching', 'yes']
    const failed = await post(['errand', 'retry'], matching, ['phase', 'failed'])
    expect(textOf(failed.text)).toMatch(/Retry: 1 of 1 chosen tenants/)
    expect([...failed.text.matchAll(/name="tenants" value="([^"]*)"/g)]).toHaveLength(1)
    const every = await post(['errand', 'rollback'], matching, ['q', ''], ['code', ''])
    expect(textOf(every.text)).toMatch(/Roll back: 4 of 4 chosen tenants/)
    expect((await post(['errand', 'retry'], matching, ['q', 'nobody'])).status).toBe(400)
    expect((await post(['errand', 'retry'], ['matching', '1'], ...all)).status).toBe(400)
    const back = await post(['errand', 'rollback'], ...all)
    expect(textOf(back.text)).toMatch(/Roll back: 4 of 4 chosen tenants/)
    expect(textOf((await post(['errand', 'cancel'], ...all)).text)).toContain(
      'for none of them now',
    )
    const asks: [string, string][] = [
      ['errand', 'retry'],
      ['ask', 'yes'],
      ['by', 'Ada'],
    ]
    const refused = await post(...asks, ['reason', 'x'], ...all)
    expect([refused.status, textOf(refused.text)]).toEqual([
      400,
      expect.stringContaining('Not asked for: give a reason'),
    ])
    const asked = await post(...asks, ['reason', 'mended'], ['confirmed', 'yes'], ...all)
    expect([asked.status, asked.headers.location]).toEqual([303, `/runs/${runId}`])
    const { events } = await world.rehome.show(runId, 'bad')
    const requests = events.filter(({ kind }) => kind === 'asked').map(({ message }) => message)
    expect(requests.join()).toMatch(/move asked for by Ada \(operator on the board\): mended/)
    expect((await post(['errand', 'retry'])).status).toBe(400)
    expect((await post(['errand', 'drop'], ...all)).status).toBe(400)
  })
})

async function readFeed(url: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    const sent = request(url, { agent: false }, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve(text)
    })
    sent.on('error', reject)
    sent.end()
  })
}

test('closing the board ends the feeds that are read', async () => {
  await using world = await createWorld()
  await world.addTenant('acme')
  const { runId } = await world.rehome.enqueue(world.plan())
  const board = await openBoard(world)
  const feed = readFeed(`${board.url}/runs/${runId}/live`)
  const tenant = readFeed(`${board.url}/runs/${runId}/live?tenant=acme`)
  await ask(board, `/runs/${runId}`)
  await board.close()
  expect(await feed).toContain('hello')
  expect(await tenant).toContain('hello')
})

test('a page of 10,000 tenants reads no evidence, and costs little', async () => {
  await using world = await createWorld()
  await plantRun(world, 'large-1', 10_000)
  await using board = await openBoard(world)
  const { text } = await ask(board, '/runs/large-1')
  expect(textOf(text)).toMatch(/Tenants done 7,000 of 10,000 \(70 %\)/)
  expect(textOf(text)).toMatch(/ROWS_DIFFER · 1,000 tenants/)
  expect(text.length).toBeLessThan(100_000)
  const read = `select coalesce(sum(toast_blks_read + toast_blks_hit), 0)::int as blocks,
    pg_stat_clear_snapshot() from pg_statio_user_tables where relname = 'moves'`
  const before = (await world.control.pool.query(read)).rows[0].blocks
  const began = performance.now()
  for (const query of ['', '?sort=pause', '?q=0099&sort=rows', '?page=90', '?phase=failed']) {
    expect((await ask(board, `/runs/large-1${query}`)).status).toBe(200)
  }
  const ms = (performance.now() - began) / 5
  process.stdout.write(`a page of a run with 10,000 tenants takes ${ms.toFixed(0)} ms\n`)
  expect((await world.control.pool.query(read)).rows[0].blocks).toBe(before)
  const seen = new Set<string>()
  for (let after: string | null = ''; after !== null; ) {
    const path = `/runs/large-1/cells?after=${encodeURIComponent(after)}`
    const { cells, next } = (await ask(board, path)).json as {
      cells: [string][]
      next: string | null
    }
    for (const [tenant] of cells) seen.add(tenant)
    after = next
  }
  expect(seen.size).toBe(10_000)
})
