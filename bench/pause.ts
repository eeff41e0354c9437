/**
 * `pause`: for how long a tenant that writes all the time cannot, while it moves, by its size: as
 * its application sees it, which is the longest time between two writes that were accepted.
 *
 * Beside it a script with a flag, and PostgreSQL's own replication, filtered by row, with a cutover
 * by script. After each move, what was acknowledged last has to be what stands at the new home.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { compileProgram } from '../dev/compiled-program.ts'
import { alternate, type Bench, type BenchStage, type Figure, figureOf } from './bench.ts'
import { ownDatabases } from './growth.ts'
import type { Load, Look } from './pause/application.ts'
import type { TimedCall } from './pause/calls.ts'
import { naiveScript } from './shards/peers.ts'
import { oneTenant } from './shards/schema.ts'
import { replicationWith } from './shards/server-peers.ts'
import { buildShards, type ShardWorld } from './shards/world.ts'

const [rate, othersRate] = [200, 500]
const writers = 8
const sizes = [1_000, 100_000, 1_000_000]

export const pause: Bench = {
  name: 'pause',
  summary: 'how long a writing tenant waits while it moves, by its size up to --rows',
  settings: { wal_level: 'logical' },
  async run(stage) {
    stage.tell(`the tenant writes ${rate} times a second, ten others ${othersRate} times`)
    await using program = await compileProgram('bench/pause/application.ts')
    const figures: Figure[] = []
    let lastCalls: Figure[] = []
    const online = new Map<number, readonly number[]>()
    for (const rows of sizes.filter((size) => size <= Math.max(stage.rows, 1_000))) {
      const at = { ...ownDatabases(stage, rows), rows }
      const seen = await measureSize(at, program.file)
      online.set(rows, gaps(seen.online))
      figures.push(...figuresOf(rows, seen))
      lastCalls = callsOf(seen.online)
    }
    return [...figures, ...growthOf(online), ...lastCalls]
  },
}

const peers = ['online', 'paced', 'offline', 'naive', 'replication'] as const

interface Seen extends Readonly<Record<(typeof peers)[number], readonly Moved[]>> {
  /** Before anything moves. */
  readonly before: readonly Look[]
}

interface Moved extends Look {
  /** Calls under the fence, where rehome moved online. */
  readonly calls: readonly TimedCall[]
}

async function measureSize(stage: BenchStage, program: string): Promise<Seen> {
  await using calls = await callsFile()
  await using world = await buildShards(stage, oneTenant, { CALLS_FILE: calls.file })
  const before: Look[] = []
  const during = (name: string, move: (application: Application) => Promise<unknown>) => {
    return async () => {
      await world.reset('indexed')
      await using application = await startApplication(world, program)
      await delay(500)
      await application.look()
      await delay(2_000)
      before.push(await application.look())
      stage.tell(`${name}, ${stage.rows} rows`)
      await move(application)
      await delay(300)
      const look = await application.look()
      await expectCounts(world, application)
      return { ...look, calls: await calls.read() }
    }
  }
  const scripted = (copy: () => Promise<unknown>) => async (application: Application) => {
    application.say('stop')
    await delay(50)
    await copy()
    application.say('home target')
  }
  const runs = await alternate(stage, {
    online: during('online', () => world.move('online', 'indexed')),
    paced: during('online, with a pace', () => world.move('paced', 'indexed')),
    offline: during('offline', () => world.move('plain', 'indexed')),
    naive: during(
      'a flag and a script',
      scripted(() => naiveScript(world, 'indexed')),
    ),
    replication: during('replication', (application) =>
      replicationWith(world, 'indexed', {
        async cutOver(caughtUp) {
          application.say('stop')
          await caughtUp()
          application.say('home target')
        },
      }),
    ),
  })
  return { ...runs, before }
}

function gaps(looks: readonly Look[]): number[] {
  return looks.map(({ gapMs }) => gapMs)
}

function figuresOf(rows: number, seen: Seen): Figure[] {
  const what = `${rows.toLocaleString('en')} rows`
  const samples = Object.fromEntries(peers.map((peer) => [peer, gaps(seen[peer])]))
  const longest = { online: [Math.max(...gaps(seen.online))] }
  const refused = {
    online: seen.online.map((look) => look.refused),
    offline: seen.offline.map((look) => look.refused),
  }
  const before = p99({ othersMs: seen.before.flatMap(({ othersMs }) => othersMs) })
  const others: Readonly<Record<string, readonly number[]>> = {
    ...Object.fromEntries(peers.map((peer) => [peer, seen[peer].map(p99)])),
    before: seen.online.map(() => before),
  }
  const by = (above: string, below: string) => ({
    ...{ what: `    ${above} by ${below}`, unit: 'ms', ratio: [above, below] as const },
    samples: { [above]: others[above] ?? [], [below]: others[below] ?? [] },
  })
  return [
    figureOf({
      ...{ what: `${what}: longest wait`, unit: 'ms', samples, ratio: ['online', 'replication'] },
      aim: { of: 'ratio', relation: 'at most', limit: 2.5 },
    }),
    figureOf({
      ...{ what: '  the longest of all', unit: 'ms', samples: longest },
      aim: { of: 'online', relation: 'at most', limit: 150 },
    }),
    figureOf({ what: '  refused writes', unit: '', samples: refused }),
    figureOf({ what: "  others' writes, p99", unit: 'ms', samples: others }),
    ...peers.map((peer) =>
      figureOf({
        ...by(peer, 'before'),
        ...(peer === 'paced' && { aim: { of: 'ratio', relation: 'at most', limit: 1.2 } }),
      }),
    ),
    figureOf({
      ...by('paced', 'replication'),
      aim: { of: 'ratio', relation: 'at most', limit: 1 },
    }),
  ]
}

function growthOf(online: ReadonlyMap<number, readonly number[]>): Figure[] {
  const [small, large] = [online.get(1_000), online.get(1_000_000)]
  if (!small || !large) return []
  return [
    figureOf({
      ...{ what: 'online, 1,000,000 rows by 1,000', unit: 'ms', samples: { large, small } },
      ratio: ['large', 'small'],
      aim: { of: 'ratio', relation: 'at most', limit: 1.5 },
    }),
  ]
}

/** The calls under the fence of the round with the median pause, for `plot-pause.ts`. */
function callsOf(online: readonly Moved[]): Figure[] {
  const byGap = online.toSorted((a, b) => a.gapMs - b.gapMs)
  const { calls = [] } = byGap[Math.floor((byGap.length - 1) / 2)] ?? {}
  return calls.map(({ phase, to, text, fromMs, tookMs }) =>
    figureOf({
      what: `call: ${phase}: ${to}: ${text.replace(/\s+/g, ' ').trim().slice(0, 60)}`,
      unit: 'ms',
      samples: { from: [fromMs], took: [tookMs] },
    }),
  )
}

/** The file into which the worker writes the calls of each fence. */
async function callsFile() {
  const directory = await mkdtemp(join(tmpdir(), 'rehome-pause-'))
  const file = join(directory, 'calls.json')
  return {
    file,
    async read(): Promise<readonly TimedCall[]> {
      const text = await readFile(file, 'utf8').catch(() => '[]')
      await rm(file, { force: true })
      return JSON.parse(text) as TimedCall[]
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

function p99({ othersMs }: Pick<Look, 'othersMs'>): number {
  const sorted = [...othersMs].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.99)] ?? 0
}

interface Application extends AsyncDisposable {
  say(line: string): void
  look(): Promise<Look>
}

async function startApplication(world: ShardWorld, program: string): Promise<Application> {
  const load = await loadOf(world)
  const child: ChildProcess = spawn(process.execPath, [program], {
    env: { ...process.env, LOAD: JSON.stringify(load) },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const say = (line: string) => void child.stdin?.write(`${line}\n`)
  return {
    say,
    async look() {
      const answer = once(lines, 'line')
      say('look')
      return JSON.parse((await answer)[0]) as Look
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function loadOf({ urls, tenants }: ShardWorld): Promise<Load> {
  const [tenant = ''] = tenants
  return await withSource(urls.source, async (client) => {
    const ids = async (table: string, is: '=' | '<>', limit: number) => {
      const query = `select id::text from ${table} where tenant_id ${is} $1 limit ${limit}`
      return (await client.query(query, [tenant])).rows.map((row: { id: string }) => row.id)
    }
    return {
      ...{ urls: { source: urls.source, target: urls.indexed }, tenant, rate, othersRate },
      own: await ids('comments', '=', writers),
      tasks: await ids('tasks', '=', 5_000),
      others: await ids('tasks', '<>', 5_000),
    }
  })
}

/** Throws where a write that was acknowledged is not at the new home. */
async function expectCounts({ urls }: ShardWorld, application: Application): Promise<void> {
  application.say('stop')
  await delay(200)
  const { counts } = await application.look()
  await withSource(urls.indexed, async (client) => {
    const query = 'select id::text, body from comments where id = any ($1)'
    const { rows } = await client.query(query, [Object.keys(counts)])
    const found = new Map(rows.map(({ id, body }: { id: string; body: string }) => [id, body]))
    for (const [id, count] of Object.entries(counts)) {
      if (found.get(id) === String(count)) continue
      throw new Error(`comment ${id} says ${found.get(id)}, and ${count} was acknowledged`)
    }
  })
}

async function withSource<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
