// The errands that attempts die in: what is asked for whom, what was done for those tenants before,
// and what has to be true of each of them when its errand is over, even if attempts died in it.
import { askCleanup, askRollback, askWindow } from '../../../src/control/ask.ts'
import { storeRehearsal } from '../../../src/coordinator/enqueue.ts'
import { closeEnds, openEnds } from '../../../src/coordinator/installation.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import type { PlanInput } from '../../../src/plan/plan.ts'
import { bothEnds, createHttpWorld } from '../http-world.ts'
import { ownIds } from '../way-back.ts'
import { createWorld, type World, type WorldOptions } from '../world.ts'
import { openAttempts } from './attempts.ts'
import { Life } from './life.ts'

export type EndName = 'source' | 'target'

export interface Story {
  readonly name: string
  /** Differences of its plan from the small one. */
  readonly plan: Partial<PlanInput>
  /** SQL for the target, before the fence is installed. */
  readonly target?: string
  /** SQL for both ends. */
  readonly both?: string
  readonly overHttp?: true
  /** How the tenants' moves have ended before the errand is asked for; null: it is the move. */
  readonly before: 'moved' | 'failed' | null
  /** They have written at their new home since. */
  readonly writesBefore?: true
  ask(world: World, moves: readonly Asked[]): Promise<unknown>
  /** The tenant writes meanwhile, at the same moments each time. */
  readonly writes: boolean
  /** A writer after the lease's end would have to know of a rollback: it does not write. */
  readonly silent?: true
  /** How it ends. */
  readonly phase: string
  readonly home: EndName
  /** The state of the other end then: the same rows, none, or those of an earlier time. */
  readonly away: 'same' | 'none' | 'old'
  readonly flags: Readonly<Record<EndName, string | null>>
  /** Further conditions on its tenants then. */
  readonly expectMore?: (world: World, tenants: readonly string[]) => Promise<void>
}

export interface Asked {
  readonly id: string
  readonly tenant: string
}

/** Leases without a renewal while a test lasts: they lapse where a test has them lapse. */
const offline = {
  chunkRows: 10,
  fence: { leaseMs: 600_000, drainMs: 2_000 },
  attempts: 9,
} satisfies Partial<PlanInput>
const online = {
  ...offline,
  strategy: 'online',
  pause: { budgetMs: 60_000, attempts: 9 },
} satisfies Partial<PlanInput>

/** Refuses the fourth note of a tenant, by a function that nothing can try at the source. */
const refusing = `create function is_small(numeric) returns boolean language sql immutable
    as $$ select $1 < 4 $$;
  alter table notes add constraint small check (is_small(amount))`

export async function worldOf(story: Story, options: WorldOptions = {}): Promise<World> {
  const { plan, target = '', both = '' } = story
  const chosen = { plan, target, both, ...options }
  return await (story.overHttp
    ? createHttpWorld({ over: bothEnds, ...chosen })
    : createWorld(chosen))
}

const by = 'tester'
const each =
  (ask: (world: World, move: Asked) => Promise<unknown>) =>
  async (world: World, moves: readonly Asked[]) => {
    for (const move of moves) {
      if (!(await ask(world, move))) throw new Error(`${move.tenant}: not to be asked for`)
    }
  }
const rollback = each(({ rehome: { control } }, { id }) =>
  askRollback(control, id, { by, discardWrites: false }),
)
const windowErrand = (errand: 'audit' | 'finalize') =>
  each(({ rehome: { control } }, { id }) => askWindow(control, id, { errand, by }))
const nothing = async () => {}
const hold: Story['ask'] = async ({ rehome: { control } }, moves) => {
  const query = 'update rehome_control.moves set held = true where id = any ($1)'
  await control.pool.query(query, [moves.map(({ id }) => id)])
}
const moved = { home: 'target', phase: 'moved' } as const
const movedOnline = { ...moved, flags: { source: 'moved', target: 'capturing' } } as const
const back = {
  home: 'source',
  away: 'same',
  phase: 'rolled_back',
  flags: { source: null, target: 'moved' },
} as const

export const stories = {
  move: {
    ...{ name: 'a move', plan: offline, before: null, ask: nothing, writes: false },
    ...{ ...moved, away: 'same', flags: { source: 'moved', target: null } },
  },
  onlineMove: {
    ...{
      name: 'an online move',
      plan: online,
      target: ownIds,
      before: null,
      ask: nothing,
      writes: true,
    },
    ...{ ...movedOnline, away: 'same' },
  },
  heldMove: {
    ...{ name: 'a move to its hold', plan: online, target: ownIds, before: null, ask: hold },
    ...{ writes: true, ...movedOnline, away: 'same' },
  },
  keptMove: {
    ...{ name: 'a look at a held move', plan: online, target: ownIds, before: null },
    ask: async (world, moves) => {
      await hold(world, moves)
      await using attempts = openAttempts(world)
      for (const { id } of moves) await attempts.live(new Life(), id)
    },
    ...{ writes: true, ...movedOnline, away: 'same' },
  },
  rollbackWithWrites: {
    ...{
      name: 'a rollback that keeps writes',
      plan: online,
      target: ownIds,
      before: 'moved',
      writesBefore: true,
    },
    ...{ ask: rollback, writes: true, ...back },
  },
  rollback: {
    ...{ name: 'a rollback', plan: offline, before: 'moved', ask: rollback, writes: false },
    ...{ silent: true, ...back },
  },
  withdrawal: {
    ...{ name: 'a withdrawal', plan: offline, target: refusing, before: 'failed', ask: rollback },
    ...{ writes: false, phase: 'rolled_back', home: 'source', away: 'none' },
    flags: { source: null, target: null },
  },
  audit: {
    ...{ name: 'an audit', plan: online, target: ownIds, before: 'moved', writesBefore: true },
    ...{ ask: windowErrand('audit'), writes: true, ...movedOnline, away: 'old' },
  },
  finalize: {
    ...{
      name: 'the end of a window',
      plan: online,
      target: ownIds,
      before: 'moved',
      writesBefore: true,
    },
    ...{ ask: windowErrand('finalize'), writes: false, ...moved, away: 'old' },
    flags: { source: 'moved', target: null },
  },
  cleanup: {
    ...{ name: 'a clean-up', plan: offline, before: 'moved' },
    ask: each(({ rehome: { control } }, { id }) => askCleanup(control, id, { by })),
    ...{ writes: false, phase: 'cleaned', home: 'target', away: 'none' },
    flags: { source: 'moved', target: null },
  },
  rehearsal: {
    ...{ name: 'a rehearsal', plan: offline, before: null, ask: nothing, writes: false },
    ...{ phase: 'rehearsed', home: 'source', away: 'none', flags: { source: null, target: null } },
  },
  onlineMoveOverHttp: {
    ...{
      name: 'an online move over HTTP',
      plan: online,
      target: ownIds,
      overHttp: true,
      before: null,
      ask: nothing,
    },
    ...{ writes: true, ...movedOnline, away: 'same' },
  },
  rollbackOverHttp: {
    ...{
      name: 'a rollback over HTTP',
      plan: online,
      target: ownIds,
      overHttp: true,
      before: 'moved',
      writesBefore: true,
    },
    ...{ ask: rollback, writes: true, ...back },
  },
} as const satisfies Record<string, Story>

/** Stores a move, or a rehearsal, for each of these tenants of one run. */
export async function storeMoves(
  world: World,
  story: Story,
  tenants: readonly string[],
): Promise<Asked[]> {
  if (story.phase === 'rehearsed') return await storeRehearsals(world, tenants)
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants })
  const { moves } = await world.rehome.status(runId ?? '')
  const byTenant = new Map(moves.map((move) => [move.tenant_id, move.id]))
  return tenants.map((tenant) => ({ tenant, id: byTenant.get(tenant) ?? '' }))
}

async function storeRehearsals(world: World, tenants: readonly string[]): Promise<Asked[]> {
  const checked = checkPlan(world.plan())
  const ends = openEnds(checked, world.environment)
  const { control } = world.rehome
  const moves: Asked[] = []
  for (const tenant of tenants) {
    const at = { plan: checked, ends }
    const { moveId } = await storeRehearsal({ control }, at, { tenant, by })
    moves.push({ tenant, id: moveId })
  }
  await closeEnds(ends)
  return moves
}
