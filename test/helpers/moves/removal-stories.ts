// The errands that remove rows, each as a whole story of one tenant: what comes before it, and what
// both ends have afterwards. Whole databases are compared.
import { expect } from 'vitest'
import { askCleanup, askRetry, askRollback, askWindow } from '../../../src/control/ask.ts'
import { type PlanInput, table } from '../../../src/plan/plan.ts'
import { sql } from '../../../src/plan/sql-text.ts'
import type { Attempts } from '../attempts/attempts.ts'
import { type Asked, stories as errands, storeMoves } from '../attempts/stories.ts'
import { wholeDatabase } from '../schemas/whole-database.ts'
import type { World } from '../world.ts'
import { peopleAndEvents } from './removals.ts'

/**
 * `target` refuses a pet called `bad`, so that a copy fails when most rows are there: by a function
 * that only the target has, as nothing can see that before.
 */
export const removalTables = `
  drop table visits, note_lines, notes, tenants; drop type mood;${peopleAndEvents}
  create table pets (id int primary key, name text, person_id int not null
    references people on delete cascade);
  create table outbox (event text);
  create table counts (name text primary key, n int not null);
  insert into counts values ('people', 0);
  create function keep() returns trigger language plpgsql as 'begin return null; end';
  create function tell() returns trigger language plpgsql security definer as $$ begin
    insert into public.outbox values (tg_op); update public.counts set n = n + 1; return null;
  end $$;
  ${rowsOf('resident', 900)}`

export const refusingPets = `create function is_good(text) returns boolean language sql immutable
    as $$ select $1 <> 'bad' $$;
  alter table pets add constraint good check (is_good(name))`

export const removalPlan: Partial<PlanInput> = {
  tenants: sql`select distinct tenant_id from people where tenant_id <> 'resident'`,
  tables: [table('people'), table('events'), table('pets', { through: 'person_id' })],
  chunkRows: 3,
  attempts: 1,
  fence: { leaseMs: 600_000, drainMs: 2_000 },
  pause: { budgetMs: 60_000 },
}

/** Rows of people, their events in two partitions, and their pets, the last of which is `bad`. */
export function rowsOf(tenant: string, from: number): string {
  const [first, last] = [from, from + 5]
  return `insert into people select i, '${tenant}', ${first} from generate_series(${first}, ${last}) i;
    insert into events select date '2025-12-31' + (i % 2), i, tenant_id from people i (i, tenant_id)
      where tenant_id = '${tenant}';
    insert into pets select i, 'pet of ${tenant}', i from generate_series(${first}, ${last}) i;`
}

type EndName = 'source' | 'target'

export interface RemovalStory {
  /** Where rows go. */
  readonly end: EndName
  /** Brings the tenant to where its rows are about to be removed. */
  before(stage: Stage): Promise<Asked>
  /** Asks for the errand that removes them. */
  ask(stage: Stage, move: Asked): Promise<unknown>
  readonly phase: string
  /** Whether the tenant has rows at either end when it is over. */
  readonly after: Readonly<Record<EndName, boolean>>
}

export interface Stage {
  readonly world: World
  readonly attempts: Attempts
  readonly tenant: string
}

const by = 'tester'

async function moved({ world, attempts, tenant }: Stage): Promise<Asked> {
  const [move] = await storeMoves(world, errands.move, [tenant])
  if (!move) throw new Error('no move')
  await attempts.finish(move.id)
  return move
}

async function failed(stage: Stage): Promise<Asked> {
  const { world, tenant } = stage
  const bad = `update pets set name = 'bad' from people p where p.id = person_id
    and tenant_id = $1 and pets.id = (select max(id) from people where tenant_id = $1)`
  await world.source.pool.query(bad, [tenant])
  const move = await moved(stage)
  const there = await world.target.pool.query('select from people where tenant_id = $1', [tenant])
  expect(there.rowCount).toBe(6)
  return move
}

/** Rows come, change and go at the new home, as many as before. */
async function movedAndWritten(stage: Stage): Promise<Asked> {
  const move = await moved(stage)
  const { world, tenant } = stage
  const ours = `(select max(id) from people where tenant_id = '${tenant}')`
  await world.target.pool.query(`update people set boss_id = id where tenant_id = '${tenant}';
    insert into pets select ${ours} + 1, 'new', ${ours}; delete from events where id = ${ours}`)
  return move
}

const finalized = async (stage: Stage): Promise<Asked> => {
  const move = await moved(stage)
  const { control } = stage.world.rehome
  if (await askWindow(control, move.id, { errand: 'finalize', by })) {
    await stage.attempts.finish(move.id)
  }
  return move
}

const rollback = ({ world }: Stage, { id }: Asked) =>
  askRollback(world.rehome.control, id, { by, discardWrites: false })
const cleanup = ({ world }: Stage, { id }: Asked) => askCleanup(world.rehome.control, id, { by })

export const removalStories = {
  'a withdrawal': {
    ...{ end: 'target', before: failed, ask: rollback, phase: 'rolled_back' },
    after: { source: true, target: false },
  },
  "a retry's wipe": {
    ...{ end: 'target', phase: 'moved', after: { source: true, target: true } },
    async before(stage) {
      const move = await failed(stage)
      const good = `update pets set name = 'good' where name = 'bad'`
      await stage.world.source.pool.query(good)
      return move
    },
    ask: ({ world }, { id }) => askRetry(world.rehome.control, id, { by }),
  },
  "a rehearsal's end": {
    ...{ end: 'target', phase: 'rehearsed', after: { source: true, target: false } },
    async before({ world, tenant }) {
      const [move] = await storeMoves(world, errands.rehearsal, [tenant])
      if (!move) throw new Error('no rehearsal')
      return move
    },
    ask: async () => {},
  },
  'a clean-up': {
    ...{ end: 'source', before: finalized, ask: cleanup, phase: 'cleaned' },
    after: { source: false, target: true },
  },
  'a clean-up after a rollback': {
    ...{ end: 'target', ask: cleanup, phase: 'cleaned', after: { source: true, target: false } },
    async before(stage) {
      const move = await moved(stage)
      await rollback(stage, move)
      await stage.attempts.finish(move.id)
      return move
    },
  },
} satisfies Record<string, RemovalStory>

/** Rows that have changed at the new home replace rows of the old copy. */
export const bringingBack: RemovalStory = {
  ...{ end: 'source', before: movedAndWritten, ask: rollback, phase: 'rolled_back' },
  after: { source: true, target: true },
}

export interface Databases {
  readonly source: readonly string[]
  readonly target: readonly string[]
}

export async function databasesOf({ source, target }: World): Promise<Databases> {
  const [at, there] = await Promise.all([source, target].map(({ pool }) => wholeDatabase(pool)))
  return { source: at ?? [], target: there ?? [] }
}

/** `people (12,t3,10)`: those of a tenant's range of ids. */
function ofTenant(from: number) {
  return (row: string) => {
    const id = /^public\.(?:people|pets|ev_2\d) \((?:20[\d-]+,)?(\d+),/.exec(row)?.[1]
    return Number(id) >= from && Number(id) < from + 10
  }
}

/** Nothing else has changed at either end, and the tenant's rows are where the story says. */
export async function expectExactly(
  { world }: Stage,
  { after }: Pick<RemovalStory, 'after'>,
  { before, from }: { readonly before: Databases; readonly from: number },
): Promise<void> {
  const own = ofTenant(from)
  const ours = (await tenantRowsAtHome(world, after)).filter(own)
  const now = await databasesOf(world)
  for (const end of ['source', 'target'] as const) {
    const others = before[end].filter((row) => !own(row))
    const expected = after[end] ? [...others, ...ours].sort() : others
    expect([end, now[end]]).toEqual([end, expected])
  }
  expect(ours.length).toBe(18)
}

async function tenantRowsAtHome(world: World, after: RemovalStory['after']) {
  return (await databasesOf(world))[after.source ? 'source' : 'target']
}

export async function moveOf({ world }: Stage, { id }: Asked) {
  const query = `select phase, open, error_code, error_message from rehome_control.moves where id = $1`
  return (await world.control.pool.query(query, [id])).rows[0]
}
