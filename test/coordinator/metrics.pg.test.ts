// Metrics, probes, alert rules, the dashboard: that they agree, and that Prometheus accepts them.
import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startWorker } from '../../jobs/worker.ts'
import { fleetNumbers } from '../../src/control/fleet-numbers.ts'
import { createLog } from '../../src/log.ts'
import { ask, bearer, openBoard, poison, tokens, viewerToken } from '../dashboard/board-world.ts'
import { noPoison } from '../helpers/moves/no-poison.ts'
import { runAll } from '../helpers/runs.ts'
import { createWorld, type World } from '../helpers/world.ts'

const promtool = await promisify(execFile)('promtool', ['--version']).then(
  () => true,
  () => false,
)

describe('an installation with three moved tenants and one that failed', () => {
  let world: World
  let text = ''

  beforeAll(async () => {
    world = await createWorld({ target: noPoison, plan: { rollback: { windowMs: 600_000 } } })
    for (const tenant of ['a', 'b', 'c', 'bad']) await world.addTenant(tenant, 2)
    await poison(world, 'bad')
    const worker = await world.work()
    await runAll(world)
    await worker.close()
    await using board = await openBoard(world, tokens)
    const answer = await ask(board, '/metrics', { headers: bearer(viewerToken) })
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    text = answer.text
    expect((await ask(board, '/metrics')).status).toBe(401)
  })

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]()
  })

  const metric = (series: string) => {
    const line = text.split('\n').find((one) => one.startsWith(`${series} `))
    return line === undefined ? null : Number(line.slice(series.length + 1))
  }

  test('the metrics say how the moves stand', () => {
    expect(metric('rehome_moves{plan="small",phase="moved",errand="none"}')).toBe(3)
    expect(metric('rehome_moves{plan="small",phase="failed",errand="none"}')).toBe(1)
    expect(metric('rehome_moves_with_error{plan="small",code="ROW_REJECTED"}')).toBe(1)
    expect(metric('rehome_rows_copied{plan="small"}')).toBeGreaterThanOrEqual(3 * 27)
    expect(metric('rehome_ways_back_open{plan="small"}')).toBe(3)
    expect(metric('rehome_way_back_ends_seconds{plan="small"}')).toBeGreaterThan(500)
    expect(metric('rehome_untouched_move_seconds')).toBe(0)
    expect(metric('rehome_homes_closed')).toBe(0)
    expect(metric('rehome_capture_lag_seconds')).toBe(0)
    expect(metric('rehome_lease_age_seconds')).toBe(0)
    // The worker of this test is of this process, and each note has 30 characters and more.
    expect(metric('rehome_copied_bytes_total')).toBeGreaterThan(6 * 30)
    expect(metric('rehome_queue_paused{queue="rehome-moves"}')).toBe(0)
  })

  test("BullMQ's own metrics of all queues are there, each with one head", () => {
    expect(metric('bullmq_job_count{queue="rehome-moves", state="waiting"}')).toBe(0)
    expect(metric('bullmq_job_completed_total{queue="rehome-moves"}')).toBe(3)
    expect(metric('bullmq_job_failed_total{queue="rehome-moves"}')).toBe(1)
    const heads = text.match(/^# TYPE bullmq_\w+/gm) ?? []
    expect([heads.length, new Set(heads).size]).toEqual([3, 3])
  })

  test('the histogram of pauses is cumulative, and has every pause', () => {
    const buckets = [
      ...text.matchAll(/^rehome_pause_seconds_bucket\{plan="small",le="(.*)"\} (.*)$/gm),
    ]
    const counts = buckets.map(([, , count]) => Number(count))
    expect(buckets.at(-1)?.[1]).toBe('+Inf')
    expect(counts).toEqual(counts.toSorted((a, b) => a - b))
    expect(counts.at(-1)).toBe(metric('rehome_pause_seconds_count{plan="small"}'))
    expect(metric('rehome_pause_seconds_count{plan="small"}')).toBe(4)
    expect(metric('rehome_pause_seconds_sum{plan="small"}')).toBeGreaterThan(0)
  })

  test('a way back that is being audited is open', async () => {
    const set = async (change: string) =>
      await world.control.pool.query(`update rehome_control.moves set ${change}
        where tenant_id = 'a'`)
    const open = async () => (await fleetNumbers(world.rehome.control, [1])).waysBack[0]?.moves
    await set(`open = true, errand = 'audit', phase = 'audit'`)
    expect(await open()).toBe(3)
    await set(`errand = 'finalize', phase = 'finalize'`)
    expect(await open()).toBe(2)
    await set(`open = false, errand = 'move', phase = 'moved'`)
  })

  test('a tenant is nowhere in them', () => {
    expect(text).not.toContain('bad')
  })

  test.each(['alerts.yml', 'dashboard.json', 'README.md'])(
    '%s names metrics that exist',
    async (file) => {
      const page = await readFile(`docs/monitoring/${file}`, 'utf8')
      const names = [...new Set(page.match(/\brehome_[a-z_]+[a-z]\b/g))]
      expect(names.length).toBeGreaterThan(5)
      const missing = names.filter((name) => !new RegExp(`^${name}[{ ]`, 'm').test(text))
      expect(missing.filter((name) => !text.includes(`# TYPE ${name} histogram`))).toEqual([])
    },
  )

  test.skipIf(!promtool)(
    `promtool accepts metrics and rules${promtool ? '' : ' (skipped: none)'}`,
    async () => {
      const rules = await promisify(execFile)('promtool', [
        'check',
        'rules',
        'docs/monitoring/alerts.yml',
      ])
      expect(rules.stdout).toContain('SUCCESS: 9 rules found')
      const own = text.split('\n').filter((line) => /^(# (HELP|TYPE) )?rehome_/.test(line))
      expect(await lint(`${own.join('\n')}\n`)).toEqual({ code: 0, output: '' })
    },
  )

  test('a move that is held back is not one that was left alone, and its capture may lag', async () => {
    await world.addTenant('later')
    const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['later'] })
    const set = async (table: 'runs' | 'moves', change: string) => {
      const id = table === 'runs' ? 'id' : 'run_id'
      const query = `update rehome_control.${table} set ${change} where ${id} = $1`
      await world.control.pool.query(query, [runId])
    }
    const old = `now() - interval '1 h'`
    await set('moves', `updated_at = ${old}, not_before = ${old}`)
    const untouched = async () => (await fleetNumbers(world.rehome.control, [1])).untouchedS
    // A worker has just carried out others of its plan: it waits for its turn.
    expect(await untouched()).toBeLessThan(3_000)
    await world.control.pool.query(
      `update rehome_control.moves set updated_at = ${old}, settled_at = settled_at - interval '1 h'`,
    )
    expect(await untouched()).toBeGreaterThan(3_000)
    await set('moves', 'has_job = false')
    expect(await untouched()).toBeGreaterThan(3_000)
    await set('runs', `paused = 'finish'`)
    expect(await untouched()).toBe(0)
    await set('runs', 'paused = null')
    await set('moves', 'wave = 2')
    expect(await untouched()).toBe(0)
    await set('moves', `phase = 'hold', has_job = true`)
    const { captureLagS } = await fleetNumbers(world.rehome.control, [1])
    expect(captureLagS).toBeGreaterThan(3_000)
    await set('moves', `open = false, phase = 'rolled_back'`)
  })

  test('a worker answers, and is not ready while the control database is gone', async () => {
    const probe = { host: '127.0.0.1', port: 0 }
    const log = createLog({ level: 'silent' })
    const { environment } = world
    await using worker = await startWorker({ plans: [world.plan()], environment, log, probe })
    const at = async (path: string) => await fetch(`${worker.probeUrl}${path}`)
    expect(await (await at('/metrics')).text()).toContain('rehome_moves{')
    expect((await at('/healthz')).status).toBe(200)
    expect([(await at('/readyz')).status, (await at('/x')).status]).toEqual([200, 404])
    await using board = await openBoard(world, tokens)
    expect(await ask(board, '/readyz')).toMatchObject({
      status: 200,
      json: { ready: true, checks: { 'control database': 'ok', queue: 'ok' } },
    })
    await world.control.drop()
    const gone = await at('/readyz')
    expect(gone.status).toBe(503)
    // Anybody may ask: which look failed, and no word of what the driver said.
    const failed = { ready: false, checks: { 'control database': 'failed', queue: 'ok' } }
    expect(await gone.json()).toEqual({ ...failed, checks: { ...failed.checks, worker: 'ok' } })
    expect(await ask(board, '/readyz')).toMatchObject({ status: 503, json: failed })
    expect((await at('/healthz')).status).toBe(200)
  })
})

async function lint(metrics: string): Promise<{ code: number | null; output: string }> {
  const child = spawn('promtool', ['check', 'metrics'])
  let output = ''
  child.stdout.on('data', (bytes) => {
    output += bytes
  })
  child.stderr.on('data', (bytes) => {
    output += bytes
  })
  child.stdin.end(metrics)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, output }
}

test('each alert names a page and a section that exist', async () => {
  const rules = await readFile('docs/monitoring/alerts.yml', 'utf8')
  const runbooks = [...rules.matchAll(/runbook: (\S+)/g)].map(([, path = '']) => path)
  expect(runbooks).toHaveLength(9)
  for (const runbook of runbooks) {
    const [file = '', section] = runbook.split('#')
    const page = await readFile(file, 'utf8')
    const heads = [...page.matchAll(/^#+ (.*)$/gm)].map(([, head = '']) =>
      head
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    )
    if (section !== undefined) expect(heads, runbook).toContain(section)
  }
})
