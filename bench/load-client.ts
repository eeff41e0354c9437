/**
 * The clients of a load where there is no pgbench: a program of its own, started by load.ts, which
 * reads the load from `LOAD` and prints its counts as JSON.
 *
 * A transaction that fails to serialize is rolled back and not counted; any other error ends it.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Load } from './load.ts'

type Values = Map<string, number>
type Step = (client: pg.Client, values: Values) => Promise<unknown>

function stepOf(line: string, protocol: Load['protocol']): Step {
  const set = /^\\set (\w+) random\((\d+), (\d+)\)$/.exec(line)
  if (set) {
    const [, name = '', from, to] = set
    const [low, high] = [Number(from), Number(to)]
    return async (_, values) => values.set(name, low + Math.floor(Math.random() * (high - low + 1)))
  }
  const sleep = /^\\sleep (\d+) ms$/.exec(line)
  if (sleep) return () => delay(Number(sleep[1]))
  if (line.startsWith('\\')) throw new Error(`not known here: ${line}`)
  return statementOf(line, protocol)
}

function statementOf(line: string, protocol: Load['protocol']): Step {
  const names: string[] = []
  const text = line.replace(/(?<!:):([a-z]\w*)/g, (_, name: string) => `$${names.push(name)}`)
  const named = protocol === 'prepared' ? { name: text.slice(0, 60) } : {}
  return async (client, values) =>
    await client.query({ ...named, text, values: names.map((name) => values.get(name)) })
}

async function work(load: Load, until: Promise<{ ends: number }>, ready: () => void) {
  const client = new pg.Client({ connectionString: load.url, application_name: 'load' })
  await client.connect()
  const scripts = load.scripts.map((script) =>
    script
      .trim()
      .split('\n')
      .map((line) => stepOf(line, load.protocol)),
  )
  ready()
  const { ends } = await until
  let count = 0
  while (performance.now() < ends) {
    const script = scripts[Math.floor(Math.random() * scripts.length)] ?? []
    if (await transact(client, script)) count += 1
  }
  await client.end()
  return count
}

async function transact(client: pg.Client, script: readonly Step[]): Promise<boolean> {
  const values: Values = new Map()
  try {
    for (const step of script) await step(client, values)
    return true
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== '40001') throw error
    await client.query('rollback')
    return false
  }
}

async function main(load: Load): Promise<void> {
  let open = (_: { ends: number }) => {}
  const until = new Promise<{ ends: number }>((resolve) => {
    open = resolve
  })
  let waiting = load.clients
  let started = 0
  const ready = () => {
    waiting -= 1
    if (waiting > 0) return
    started = performance.now()
    open({ ends: started + load.seconds * 1000 })
  }
  const counts = await Promise.all(
    Array.from({ length: load.clients }, () => work(load, until, ready)),
  )
  const transactions = counts.reduce((sum, count) => sum + count, 0)
  const rate = transactions / ((performance.now() - started) / 1000)
  process.stdout.write(JSON.stringify({ transactions, rate }))
}

function parseLoad(text: string): Load {
  return JSON.parse(text) as Load
}

await main(parseLoad(process.env.LOAD ?? ''))
