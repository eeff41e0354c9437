/**
 * An application that writes all the time, a program of its own: to the tenant that moves, and to
 * the others. It follows its tenant home, and tells on request what it has met since.
 *
 * Lines on standard input: `look`, which answers with what was met since the last look as a line of
 * JSON; `stop`, which keeps the tenant's writes waiting; `home target`, which sends them there.
 */
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

/** Read from `LOAD`, as JSON. */
export interface Load {
  readonly urls: Readonly<Record<'source' | 'target', string>>
  readonly tenant: string
  /** Each writer has a row of `comments` of its own, in which it counts. */
  readonly own: readonly string[]
  /** Rows of `tasks` that it changes besides. */
  readonly tasks: readonly string[]
  readonly others: readonly string[]
  /** Writes a second, of all writers together. */
  readonly rate: number
  readonly othersRate: number
}

/** Times in ms. */
export interface Look {
  readonly accepted: number
  readonly refused: number
  /** The longest time between two accepted writes of the tenant. */
  readonly gapMs: number
  /** How long writes of others took. */
  readonly othersMs: readonly number[]
  /** Row → the count that was acknowledged last. */
  readonly counts: Readonly<Record<string, number>>
}

const load = JSON.parse(process.env.LOAD ?? '{}') as Load
const atOnce = 4
let home: 'source' | 'target' = 'source'
let stopped = false
let last = performance.now()
let met = { accepted: 0, refused: 0, gapMs: 0, othersMs: [] as number[] }
const counts: Record<string, number> = {}

const pools = {
  source: new pg.Pool({ connectionString: load.urls.source, max: 4 * atOnce }),
  target: new pg.Pool({ connectionString: load.urls.target, max: atOnce, idleTimeoutMillis: 0 }),
}
for (const pool of Object.values(pools)) {
  pool.on('error', () => {})
  // As an application's pools are that has been running for a while.
  const opened = Array.from({ length: atOnce }, () => pool.connect())
  void Promise.all(opened).then((clients) => {
    for (const client of clients) client.release()
  })
}

const count = `with other as (update tasks set title = $3 where id = $4)
  update comments set body = $2 where id = $1`

/** Once accepted, the time since the write before is known. */
async function writeOnce(row: string, n: number): Promise<void> {
  const task = load.tasks[Math.floor(Math.random() * load.tasks.length)]
  const values = [row, String(n), `Task of ${n}`, task]
  for (;;) {
    while (stopped) await delay(2)
    try {
      await pools[home].query({ name: 'count', text: count, values })
      break
    } catch (error) {
      met.refused += 1
      const { detail = '' } = error as pg.DatabaseError
      if (home === 'source' && detail.includes('"mode" : "moved"')) home = 'target'
      else await delay(5)
    }
  }
  const now = performance.now()
  met.accepted += 1
  met.gapMs = Math.max(met.gapMs, now - last)
  last = now
  counts[row] = n
}

async function writeOn(row: string): Promise<void> {
  const everyMs = (1000 * load.own.length) / load.rate
  let next = performance.now() + Math.random() * everyMs
  for (let n = 1; ; n += 1) {
    await delay(Math.max(0, next - performance.now()))
    next = Math.max(next + everyMs, performance.now())
    await writeOnce(row, n)
  }
}

async function writeOthers(): Promise<void> {
  const everyMs = (1000 * atOnce) / load.othersRate
  let next = performance.now() + Math.random() * everyMs
  for (;;) {
    await delay(Math.max(0, next - performance.now()))
    next = Math.max(next + everyMs, performance.now())
    const row = load.others[Math.floor(Math.random() * load.others.length)]
    const started = performance.now()
    await pools.source.query({
      name: 'other',
      text: 'update tasks set title = $2 where id = $1',
      values: [row, `Task at ${started}`],
    })
    met.othersMs.push(performance.now() - started)
  }
}

const commands: Readonly<Record<string, () => void>> = {
  look() {
    const now = performance.now()
    const gapMs = Math.max(met.gapMs, now - last)
    process.stdout.write(`${JSON.stringify({ ...met, gapMs, counts } satisfies Look)}\n`)
    met = { accepted: 0, refused: 0, gapMs: 0, othersMs: [] }
  },
  stop() {
    stopped = true
  },
  'home target'() {
    home = 'target'
    stopped = false
  },
}

createInterface({ input: process.stdin }).on('line', (line) => commands[line]?.())
process.stdin.once('end', () => process.exit(0))
for (const row of load.own) void writeOn(row)
for (let i = 0; i < atOnce; i += 1) void writeOthers()
