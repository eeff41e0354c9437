// Every right that examples/roles/*.sql gives is needed: it is taken away, a tenant lives through a
// whole life, and the missing right is reported. Then it is given back, and life goes on.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { closeControl, openControl } from '../../src/control/database.ts'
import { forgetEvents } from '../../src/control/fleet/retention.ts'
import { forgetWebhooks } from '../../src/control/webhooks.ts'
import { dismissWorker } from '../../src/control/workers.ts'
import { type Library, openLibrary } from '../../src/coordinator/rehome.ts'
import { table } from '../../src/plan/plan.ts'
import { eventually } from '../helpers/eventually.ts'
import { repeatedly } from '../helpers/moments/repeatedly.ts'
import { ended, tryWrite, writeAt } from '../helpers/runs.ts'
import {
  createRolesWorld,
  grantFiles,
  type Place,
  type RolesWorld,
  roleStatements,
} from './roles-world.ts'

const clear =
  /permission denied (?:for|to create) \w+ [\w-]+|no [A-Z]+ privilege|may not use its schema/

let world: RolesWorld
let lives = 0

beforeAll(async () => {
  world = await createRolesWorld({
    // queue.sql is for a queue in the control database.
    backend: { name: 'postgres' },
    both: 'create table counters (id serial primary key, tenant_id text)',
    // An offline move needs nothing that an online one does not.
    target: 'alter table notes drop column raw',
    plan: {
      tables: [
        table('tenants', { tenant: 'id' }),
        table('notes', { columns: { drop: ['raw'] } }),
        table('note_lines', { through: 'note_id' }),
        table('visits'),
      ],
      ...{ strategy: 'online', pause: { budgetMs: 20_000, attempts: 1 } },
      ...{ exclude: ['counters'], attempts: 1, backoffMs: 20, fence: { leaseMs: 2000 } },
    },
  })
  await world.grantReplication()
})

afterAll(async () => await world[Symbol.asyncDispose]())

/** Rights that no life here needs, with what needs them. */
const neededElsewhere: Readonly<Record<string, string>> = {
  'mover at the target: update on rehome.changed_keys': 'changes that come in steps, over HTTP',
}

/** One privilege on one object: how it is taken away and given back. */
interface Right {
  readonly place: Place
  readonly whose: string
  readonly name: string
  readonly revoke: string
  readonly grant: string
}

async function rightsOf(place: Place, file: string): Promise<Right[]> {
  const statements = await roleStatements(file, world.variablesAt(place))
  return statements.flatMap((statement) => {
    const [, privileges = '', object = '', role = ''] =
      /^grant (.*?) on (.*) to (".*")$/s.exec(statement) ?? []
    const whose = /\w+/.exec(role)?.[0] ?? ''
    // Not within the columns of a privilege.
    return privileges.split(/, (?![^(]*\))/).map((privilege) => ({
      ...{ place, whose, name: `${whose} at the ${place}: ${privilege} on ${object}` },
      revoke: `revoke ${privilege} on ${object} from ${role}`,
      grant: `grant ${privilege} on ${object} to ${role}`,
    }))
  })
}

/** Everything that is ever done for a tenant. Ends with what is refused first. */
async function life(
  tenant: string,
  { runs, over }: { runs: string[]; over: AbortSignal },
): Promise<void> {
  await using _writing = keepWriting(tenant)
  await using rehome = await openLibrary({ environment: world.environment })
  const tenants = [tenant]
  const { host: server } = new URL(world.environment.SOURCE_URL ?? '')
  await rehome.limitMoves(50, { server })
  for (const errands of [
    ['rollback', 'cleanup'],
    ['finalize', 'cleanup'],
  ] as const) {
    const [finding] = await rehome.check(world.plan())
    if (finding) throw new Error(`${finding.where}: ${finding.message}`)
    const { runId } = await rehome.enqueue(world.plan(), { tenants })
    runs.push(runId ?? '')
    await rehome.prioritize(runId ?? '', { priority: 'first' })
    await well(rehome, runId ?? '')
    over.throwIfAborted()
    await forgetJobs(rehome, runId)
    await writeAt(world, 'target', tenant)
    for (const errand of errands) {
      over.throwIfAborted()
      await rehome[errand](runId ?? '', { tenants })
      await well(rehome, runId ?? '')
    }
    await rehome.show(runId ?? '', tenant)
  }
  await rehome.limitMoves(null, { server })
  await rehome.keepEvents(1)
  await doChores()
}

/** The chores of a worker in the hours between, and as it ends. */
async function doChores(): Promise<void> {
  const control = openControl(world.environment.CONTROL_URL ?? '')
  try {
    await forgetEvents(control)
    await forgetWebhooks(control)
    await dismissWorker(control, randomUUID())
  } finally {
    await closeControl(control)
  }
}

/**
 * Removes the run's jobs, as time will do, or a person at the board. A run is over a moment before
 * its job is.
 */
async function forgetJobs({ queues }: Library, runId: string | null): Promise<void> {
  const { move } = queues.byErrand
  const jobs = await eventually(
    async () => {
      const all = await move.getCompleted()
      const completed = all.filter((job) => job.data.runId === runId)
      expect(completed).not.toEqual([])
      return completed
    },
    { withinMs: 10_000 },
  )
  for (const job of jobs) await job.remove()
}

/** The tenant's own writes, where it lives at first. */
function keepWriting(tenant: string): AsyncDisposable {
  return repeatedly(() => tryWrite(world, 'source', tenant), 5)
}

/** Returns once the run is over, and throws as soon as anything went wrong. */
async function well(rehome: Library, runId: string): Promise<void> {
  for await (const { moves } of rehome.watch(runId, { everyMs: 20 })) {
    const message = moves.find((move) => move.error_message !== null)?.error_message
    if (message) throw new Error(message)
  }
}

async function application(place: Place, tenant: string): Promise<void> {
  if (place === 'control') throw new Error('no application is there')
  const pool = world.poolAt(place, 'application')
  await pool.query('insert into public.counters (tenant_id) values ($1)', [tenant])
  await pool.query('update public.counters set tenant_id = tenant_id where tenant_id = $1', [
    tenant,
  ])
  await pool.query('delete from public.counters where tenant_id = $1', [tenant])
}

/** BullMQ made them when the first jobs came. */
async function forgetSequences(): Promise<void> {
  const theirs = `select oid::regclass as name from pg_class
    where relkind = 'S' and relowner = (select oid from pg_roles where rolname = $1)`
  const { rows } = await world.control.pool.query(theirs, [world.roleAt('control', 'control')])
  for (const { name } of rows) await world.control.pool.query(`drop sequence ${name}`)
}

async function jobsFailedOf(tenant: string): Promise<string[]> {
  const query = `select failed_reason as reason from bullmq.job where data->>'tenantId' = $1`
  const { rows } = await world.control.pool.query(query, [tenant])
  return rows.map(({ reason }: { reason: string | null }) => reason ?? '')
}

/** A life that ended halfway may have left ids at the target that the source would give again. */
async function meetIds(): Promise<void> {
  const reached = `select last_value::text as id from notes_id_seq`
  const { id } = (await world.target.pool.query(reached)).rows[0]
  const pass = `select setval('notes_id_seq', greatest(last_value, $1)) from notes_id_seq`
  await world.source.pool.query(pass, [id])
}

const nothingRefused = 'nothing was refused'

/**
 * The complaint about the missing right: in an answer, with the move or its job, or in the log. A
 * life that fails for another reason, such as a lease that lapsed on a busy machine, shows nothing
 * about the right, so another life follows.
 */
async function complaintWithout(right: Right, lines: readonly string[]): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const complaint = await answerWithout(right, lines)
    if (clear.test(complaint) || complaint === nothingRefused || tries === 3) return complaint
    process.stderr.write(`another life without ${right.name}: ${complaint}\n`)
  }
}

async function answerWithout(right: Right, lines: readonly string[]): Promise<string> {
  lives += 1
  const tenant = `tenant ${lives}`
  await meetIds()
  await world.addTenant(tenant, 2)
  const runs: string[] = []
  const over = new AbortController()
  let lived: Promise<void> = Promise.resolve()
  const { pool } = world[right.place]
  const before = lines.length
  await pool.query(right.revoke)
  if (right.name.includes('create on')) await forgetSequences()
  try {
    lived =
      right.whose === 'application'
        ? application(right.place, tenant)
        : life(tenant, { runs, over: over.signal })
    let answer = ''
    lived.then(
      () => {
        answer = nothingRefused
      },
      (error: Error) => {
        answer = error.message
      },
    )
    return await eventually(
      async () => {
        const told = [answer, ...lines.slice(before), ...(await jobsFailedOf(tenant))]
        const found = told.find((text) => clear.test(text)) ?? answer
        expect(found).not.toBe('')
        return clear.exec(found)?.[0] ?? found
      },
      { withinMs: 30_000 },
    )
  } finally {
    over.abort()
    await pool.query(right.grant)
    for (const runId of runs) await ended(world, runId)
    await lived.catch(() => {})
  }
}

test.each([
  ['source', 'source'],
  ['target', 'target'],
  ['control', 'control'],
  ['control', 'queue'],
] as const)(
  'at the %s, %s.sql gives no right that is not needed',
  async (place, file) => {
    expect(grantFiles(place, { redis: false })).toContain(file)
    const complaints: Record<string, string> = {}
    await using worker = await world.workAndLog()
    for (const right of await rightsOf(place, file)) {
      if (neededElsewhere[right.name]) continue
      complaints[right.name] = await complaintWithout(right, worker.lines)
    }
    const unclear = Object.entries(complaints).filter(([, told]) => !clear.test(told))
    expect(Object.keys(complaints).length).toBeGreaterThan(6)
    expect(unclear).toEqual([])
  },
  240_000,
)
