// An attempt at an online move that a test drives stage by stage, against two databases: no
// worker, no queue, no story. What changes between two stages is for the test to say.
import { randomUUID } from 'node:crypto'
import { createLease } from '../../../src/attempt/lease.ts'
import { type Shard, type Stage, step } from '../../../src/attempt/shard.ts'
import { takeTurns } from '../../../src/attempt/turn.ts'
import { Caller, callers } from '../../../src/calls.ts'
import { type Survey, survey } from '../../../src/checks/survey.ts'
import { type Control, closeControl, openControl } from '../../../src/control/database.ts'
import { claimMove } from '../../../src/control/moves.ts'
import { findRun, insertRun } from '../../../src/control/runs/runs.ts'
import { closeEnds, openEnds } from '../../../src/coordinator/installation.ts'
import { type Ends, sharedEnds } from '../../../src/ends/end.ts'
import type { Extent, Round } from '../../../src/follow/follower.ts'
import { followerOf } from '../../../src/follow/follower-of.ts'
import { createLog } from '../../../src/log.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import type { Plan, PlanInput } from '../../../src/plan/plan.ts'
import { capture } from '../../../src/stages/capture.ts'
import { preflight } from '../../../src/stages/preflight.ts'
import { overHttp, type ServedEnd, serveEnd } from '../http-end.ts'
import type { EndName } from '../http-world.ts'
import { createWorld, installPlans, type World } from '../world.ts'

export interface Follower {
  readonly shard: Shard
  /** One of its stages, on behalf of the attempt. */
  run(stage: Stage): Promise<void>
  round(compared: Extent): Promise<Round>
  /** Rounds until one has found nothing to bring; that one has compared everything. */
  settle(): Promise<void>
}

export interface Following extends AsyncDisposable {
  readonly world: World
  /** The tenant `acme` is claimed at the target; its changes are logged from here on. */
  begin(): Promise<Follower>
}

/** Several columns that only one row may have, and keys that may change. */
const followedSchema = `
  alter table note_lines drop constraint note_lines_note_id_fkey,
    add foreign key (note_id) references notes (id) on delete cascade on update cascade;
  alter table notes add column slot int, add unique (tenant_id, slot);
  alter table note_lines add column rank int unique;`

/** `over`: which ends are asked over HTTP. */
export async function startFollowing(
  over: readonly EndName[],
  { plan: more = {}, schema = '' }: { plan?: Partial<PlanInput>; schema?: string } = {},
): Promise<Following> {
  // No lease is to lapse here, however slow the machine is.
  const fence = { leaseMs: 600_000, drainMs: 10_000 }
  const plan = { strategy: 'online', pause: { budgetMs: 60_000 }, fence, ...more } as const
  const world = await createWorld({ plan, both: `${followedSchema};${schema}` })
  const served: Partial<Record<EndName, ServedEnd>> = {}
  for (const name of over) served[name] = await serveEnd(world[name])
  const endpoints = Object.fromEntries(
    over.map((name) => [name, overHttp(world, served[name] as ServedEnd, { pageRows: 12 })]),
  )
  const input = world.plan({ tenants: ['acme'], ...endpoints })
  // What a database has to log for an end that is asked.
  if (over.length > 0) await installPlans(world, [input])
  const checked = checkPlan(input)
  const ends = sharedEnds(openEnds(checked, world.environment))
  const control = openControl(world.environment.CONTROL_URL ?? '')
  const surveyed = await survey(checked, ends)
  const leases: { stop(): void }[] = []
  return {
    world,
    async begin() {
      const follower = behalfOf(await prepare({ plan: checked, ends, surveyed, control, leases }))
      Object.assign(follower.shard.flagsFound, await takeTurns(follower.shard))
      await follower.run(preflight)
      await follower.run(capture)
      return follower
    },
    async [Symbol.asyncDispose]() {
      for (const lease of leases) lease.stop()
      await closeEnds(ends)
      await closeControl(control)
      for (const end of Object.values(served)) await end.stop()
      await world[Symbol.asyncDispose]()
    },
  }
}

interface Prepared {
  readonly plan: Plan
  readonly ends: Ends
  readonly surveyed: Survey
  readonly control: Control
  readonly leases: { stop(): void }[]
}

async function prepare({ plan, ends, surveyed, control, leases }: Prepared): Promise<Shard> {
  const [runId, moveId, token] = [randomUUID(), randomUUID(), randomUUID()]
  const about = { plan_name: plan.name, plan_fingerprint: '', scope: plan.scope, attempts: 1 }
  const places = { source: ends.source.place, target: ends.target.place }
  await insertRun(
    control,
    { id: runId, ...about, ...places, backoff_ms: 1, created_by: 'tester', rehome_version: '0' },
    { moves: [{ id: moveId, tenant: 'acme' }], errand: 'move', targetScope: plan.targetScope },
  )
  const move = await claimMove(control, { id: moveId, errand: 'move', token })
  const run = await findRun(control, runId)
  if (!move || !run) throw new Error('the move is not there')
  const abort = new AbortController()
  const { leaseMs } = plan.fence
  const lease = createLease({
    ...{ leaseMs, budgetMs: plan.pause.budgetMs, ends: [ends.source, ends.target] },
    stillOurs: async () => true,
    abort: (reason) => abort.abort(reason),
  })
  leases.push(lease)
  const log = createLog({ level: process.env.LOG_LEVEL ?? 'silent' })
  const unheard = {
    report: () => {},
    tell: () => {},
    unsettled: new Map(),
    seen: new Map(),
    evidence: {},
    phaseMs: {},
    noted: { change: {}, sent: Promise.resolve() },
  }
  return {
    ...{
      plan,
      run,
      move,
      tenant: 'acme',
      token,
      turn: move.turn ?? '0',
      ends,
      flagsFound: { source: null, target: null },
      targetEmptied: false,
      control,
      lease,
      ...unheard,
    },
    ...{
      caller: new Caller('acme', 'queued'),
      epoch: randomUUID(),
      survey: surveyed,
    },
    ...{
      lookups: {},
      attemptLog: log,
      log,
      signal: abort.signal,
      abort: (reason) => abort.abort(reason),
    },
    ...{ pausedSince: null, phase: 'queued', rowsTotal: 0, rowsCopied: 0 },
  }
}

function behalfOf(shard: Shard): Follower {
  const behalf = <T>(work: () => Promise<T>) => callers.run(shard.caller, work)
  const round = (compared: Extent) => behalf(() => followerOf(shard).round(shard, compared))
  return {
    shard,
    run: (stage) => behalf(() => step(shard, stage)),
    round,
    async settle() {
      while ((await round('changes')).changes > 0);
      await round('everything')
    },
  }
}

/** Whatever an attempt before has left at either end, and all rows; then those of two tenants. */
export async function reset({ source, target, control, addTenant }: World): Promise<void> {
  await control.pool.query('update rehome_control.moves set open = false')
  const left = ['tenant_flags', 'turns', 'checkpoints', 'copy_progress', 'changed_keys'].map(
    (name) => {
      return `rehome.${name}`
    },
  )
  const logs = `select relname from pg_class where relnamespace = 'rehome_log'::regnamespace and relkind = 'r'`
  for (const { pool } of [source, target]) {
    const found = (await pool.query(logs)).rows.map(({ relname }) => `rehome_log.${relname}`)
    const names = [...left, ...found, 'note_lines', 'notes', 'visits', 'tenants']
    const deletes = names.map((name) => `delete from ${name}`)
    await pool.query(`begin; set local session_replication_role = replica; ${deletes.join(';')};
      commit; alter sequence notes_id_seq restart`)
  }
  await addTenant('acme', 10)
  await addTenant('beta', 4)
  await source.pool.query(
    'update notes set slot = id; update note_lines set rank = note_id * 100 + line',
  )
}
