import type { Command } from 'commander'
import { durationMs } from '../duration.ts'
import { wholeApplication } from '../ends/flags.ts'
import { drain } from '../ends/postgres/fence/drain.ts'
import { guardsAreKept, passingGuards } from '../ends/postgres/fence/passing-guards.ts'
import {
  endReadOnly,
  guardedBy,
  missingGuardOf,
  type ReadOnly,
  readOnlyOf,
  type StartReadOnly,
  startReadOnly,
} from '../ends/postgres/fence/read-only.ts'
import { RehomeError } from '../errors.ts'
import { placeOf } from '../place.ts'
import { createPool, type Pool, toRehomeError } from '../postgres.ts'
import { literal } from '../quote.ts'
import { jsonText, note, print } from './context.ts'
import { step } from './next-steps.ts'
import { safe } from './print.ts'

export function addReadOnly(program: Command): void {
  program
    .command('read-only <state>')
    .description('refuse all writes of the whole application (on), let them in (off), or `show`')
    .option('--url-from <name...>', 'variables with the URLs of its databases', ['DATABASE_URL'])
    .option('--scope <scope>', 'the feature or data model', 'default')
    .option('--reason <text>', 'the reason that refused users see (on)')
    .option('--for <time>', 'ends by itself after e.g. 10m (on; default: until `off`)')
    .option('--drain <time>', 'how long to wait for writers that are in (on)', '10s')
    .option('--dry-run', 'only print what would be done (on, off)')
    .option('--json', 'as JSON; progress goes to standard error')
    .action(readOnly)
}

interface Options {
  readonly urlFrom: readonly string[]
  readonly scope: string
  readonly reason?: string
  readonly for?: string
  readonly drain: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

interface Place {
  readonly place: string
  readonly pool: Pool
}

interface Database extends Place {
  /** The state before the command. */
  readonly before: ReadOnly | null
}

async function readOnly(state: string, options: Options): Promise<void> {
  if (state === 'show') await withDatabases(options, async (all) => answer(all, options, stateOf))
  else if (state === 'off') await withDatabases(options, (all) => end(all, options))
  else if (state === 'on') await start(options)
  else throw new RehomeError('USAGE', `"${state}" is not one of on, off, show`)
}

/** Opens all databases, and reports a problem with any of them before anything is changed. */
async function withDatabases(
  { urlFrom, scope }: Options,
  work: (databases: readonly Database[]) => Promise<void>,
): Promise<void> {
  const urls = urlFrom.map((name) => urlOf(name))
  const opened = urls.map((url) => {
    return { place: placeOf(url), pool: createPool({ url, name: 'read-only', size: 2 }) }
  })
  try {
    const databases: Database[] = []
    for (const { place, pool } of opened) {
      try {
        await refuseUnguarded(pool, scope)
        databases.push({ place, pool, before: await readOnlyOf(pool, scope) })
      } catch (error) {
        throw toRehomeError(error, place)
      }
    }
    await work(databases)
  } finally {
    await Promise.all(opened.map(({ pool }) => pool.end()))
  }
}

function urlOf(name: string): string {
  const url = process.env[name]
  if (url) return url
  const message = `the application's database is read from ${name}, which is not set: set it, or name another with --url-from`
  throw new RehomeError('SETTING_MISSING', message)
}

async function refuseUnguarded(pool: Pool, scope: string): Promise<void> {
  if ((await guardedBy(pool, scope)) > 0) return
  const message = `no table is guarded for scope "${scope}": run \`rehome init PLAN\` (with --guards where they stand only while tenants move), or name another --scope`
  throw new RehomeError('NOT_INSTALLED', message)
}

/**
 * Guards that could be taken away between this look and the flag keep nothing read-only. Once the
 * flag is raised none goes.
 */
async function refusePassing({ pool, place }: Place, scope: string): Promise<void> {
  await refuseUnguarded(pool, scope)
  const missing = await missingGuardOf(pool, scope)
  if (missing === null) {
    if ((await passingGuards(pool)).length === 0 || (await guardsAreKept(pool))) return
  }
  const what = missing === null ? 'guards there stand' : `${missing} has no guard: it stands`
  const forget = `delete from rehome.passing_tables where relation = ${literal(missing ?? '')}`
  const orElse = missing === null ? '' : `; if no plan has the table any longer: \`${forget}\``
  const message = `${place}: ${what} only while tenants move: run \`rehome init PLAN --guards\` first${orElse}`
  throw new RehomeError('NOT_INSTALLED', message)
}

async function start(options: Options): Promise<void> {
  const { reason, scope, dryRun } = options
  if (!reason?.trim()) throw new RehomeError('USAGE', 'give a --reason: users see it')
  const forMs = options.for === undefined ? null : durationMs(options.for)
  const drainMs = durationMs(options.drain)
  const retryAfterS = Math.min(60, Math.ceil((forMs ?? 60_000) / 1000))
  const tell = options.json ? note : print
  await withDatabases(options, async (databases) => {
    for (const database of databases) await refusePassing(database, scope)
    if (dryRun) return answer(databases, options, () => 'would refuse all writes')
    await startAll(databases, { scope, reason, retryAfterS, forMs }, tell)
    for (const database of databases) {
      await awaitWriters(database, drainMs)
      await refuseLapsed(database, scope)
      tell(`${database.place}: all writers have finished`)
    }
    if (options.json) answer(await readAgain(databases, scope), options, stateOf)
  })
}

/** All or none, as far as they can be reached. */
async function startAll(
  databases: readonly Database[],
  start: StartReadOnly,
  tell: (line: string) => void,
): Promise<void> {
  const started: Database[] = []
  for (const database of databases) {
    const { place, pool } = database
    try {
      const state = await startReadOnly(pool, start)
      started.push(database)
      await refusePassing(database, start.scope)
      tell(`${place}: ${stateText(state)}`)
    } catch (error) {
      for (const { place, pool, before } of started) {
        if (before) continue
        const ended = await endReadOnly(pool, start.scope).catch(() => false)
        note(`${place}: ${ended ? 'writes are let in again' : 'is still read-only'}`)
      }
      throw toRehomeError(error, place)
    }
  }
}

async function refuseLapsed({ place, pool }: Database, scope: string): Promise<void> {
  if (await readOnlyOf(pool, scope)) return
  const message = `${place}: the time of --for was over before all writers had ended: writes are let in`
  throw new RehomeError('DRAIN_TIMEOUT', message)
}

/** They are not interrupted: what they have begun may still be written. */
async function awaitWriters({ place, pool }: Database, drainMs: number): Promise<void> {
  const signal = AbortSignal.timeout(drainMs * 2 + 10_000)
  try {
    await drain(pool, { tenant: wholeApplication, drainMs, signal })
  } catch (error) {
    note(`${place}: new writes are refused, but some that had begun are still going on`)
    throw toRehomeError(error, place)
  }
}

async function end(databases: readonly Database[], options: Options): Promise<void> {
  const { scope, dryRun, json } = options
  if (dryRun) {
    return answer(databases, options, ({ before }) =>
      before ? 'would let writes in' : 'is not read-only',
    )
  }
  const tell = json ? note : print
  for (const { place, pool } of databases) {
    const ended = await endReadOnly(pool, scope)
    tell(`${place}: ${ended ? 'writes are let in' : 'was not read-only'}`)
  }
  if (json) answer(await readAgain(databases, scope), options, stateOf)
}

async function readAgain(databases: readonly Database[], scope: string): Promise<Database[]> {
  return await Promise.all(
    databases.map(async (database) => {
      return { ...database, before: await readOnlyOf(database.pool, scope) }
    }),
  )
}

/** A line for each database, or all of them as JSON. */
function answer(
  databases: readonly Database[],
  { json, urlFrom, scope }: Options,
  text: (database: Database) => string,
): void {
  if (!json) {
    for (const database of databases) print(`${database.place}: ${text(database)}`)
    return
  }
  const states = databases.map(({ place, before }) => ({ place, readOnly: before }))
  const isOn = states.some(({ readOnly }) => readOnly)
  const off = step('read-only', 'off', '--scope', scope, '--url-from', ...urlFrom)
  print(jsonText({ databases: states, nextSteps: isOn ? [off] : [] }, 2))
}

function stateOf({ before }: Database): string {
  return before ? stateText(before) : 'writes are let in'
}

function stateText({ reason, since, until }: ReadOnly): string {
  const end = until ? `until ${until.toISOString()}` : 'until `rehome read-only off`'
  return `read-only since ${since.toISOString()}, ${end}: ${safe(reason, 200)}`
}
