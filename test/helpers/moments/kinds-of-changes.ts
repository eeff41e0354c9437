// Each kind of change alone, made at one moment of a move: only the log can tell of it.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'vitest'
import type { RemoteCall } from '../../../src/calls.ts'
import { type Ended, ended, rowsAt } from '../runs.ts'
import type { World } from '../world.ts'
import { createWriter } from './writes-between.ts'

/**
 * `:acme` has the notes #1 to #10 with two lines each, `:beta` has #11 to #14; visits on 20 days
 * each.
 */
export const kindsOfChanges: readonly (readonly [title: string, ...statements: string[]])[] = [
  ['an inserted row', `insert into notes (id, tenant_id, body) values (#100, :acme, 'new')`],
  ['an update', `update notes set body = 'changed' where id = #3`],
  ['an update of everything', `update notes set amount = amount + 1 where tenant_id = :acme`],
  ['a delete', `delete from visits where tenant_id = :acme and day < '2025-12-30'`],
  ['a delete and its cascade', 'delete from notes where id in (#3, #4)'],
  ['a row of another, through its parent', `insert into note_lines values (#3, 7, 'new')`],
  [
    'a changed row, through its parent',
    `update note_lines set text = 'changed' where note_id = #3`,
  ],
  ['a row that is gone, through its parent', 'delete from note_lines where note_id = #3'],
  [
    'a parent and its children',
    `insert into notes (id, tenant_id) values (#100, :acme)`,
    `insert into note_lines values (#100, 1, 'new')`,
  ],
  ['another key', `update notes set id = #100 where id = #10`],
  [
    'keys that are exchanged',
    'update visits set day = day + 1 where false',
    `update notes set id = case id when #3 then #104 else #103 end where id in (#3, #4)`,
    `update notes set id = id - 100 where id in (#103, #104)`,
  ],
  [
    'a delete and the same key again',
    'delete from notes where id = #5',
    `insert into notes (id, tenant_id, body) values (#5, :acme, 'again')`,
  ],
  ['a tenant that goes', `update notes set tenant_id = :beta where id = #6`],
  ['a tenant that comes', `update notes set tenant_id = :acme where id = #12`],
  [
    'a tenant that goes and comes back changed',
    `update notes set tenant_id = :beta where id = #7`,
    `update note_lines set text = 'changed there' where note_id = #7 and line = 1`,
    `delete from note_lines where note_id = #7 and line = 2`,
    `insert into note_lines values (#7, 9, 'born there')`,
    `update notes set tenant_id = :acme where id = #7`,
  ],
  [
    'a child that goes to another tenant',
    'update note_lines set note_id = #12, line = 70 + line where note_id = #7',
  ],
  [
    'a child that comes from another tenant',
    'update note_lines set note_id = #7, line = 70 + line where note_id = #12',
  ],
  [
    'a child whose parent is replaced',
    'delete from notes where id = #8',
    `insert into notes (id, tenant_id) values (#8, :beta)`,
    `insert into note_lines values (#8, 1, 'theirs')`,
  ],
  [
    'a row that changes its partition',
    `update visits set day = day + 200 where tenant_id = :acme and day < '2025-12-28'`,
  ],
  ['a row written into a partition', `insert into visits_2026 values (:acme, '2026-12-24', 5)`],
  [
    'what a savepoint takes back',
    'savepoint s',
    `update notes set body = 'never' where id = #2`,
    'rollback to s',
    `update notes set body = 'after all' where id = #1`,
  ],
  ['a reference to itself', 'update notes set parent_id = #9 where id in (#2, #3)'],
  [
    'MERGE',
    `merge into notes n using (values (#2), (#200)) v (id) on n.id = v.id
    when matched then update set body = 'merged'
    when not matched then insert (id, tenant_id, body) values (v.id, :acme, 'merged')`,
  ],
  [
    'ON CONFLICT',
    `insert into visits values (:acme, '2025-12-26', 9), (:acme, '2025-06-06', 9)
    on conflict (tenant_id, day) do update set hits = excluded.hits`,
  ],
  ['the key of a child', 'update note_lines set line = line + 10 where note_id = #4'],
]

type When = (call: RemoteCall) => boolean

export const titlesOfChanges = kindsOfChanges.map(([title]) => title)

/** The result of one kind of change. */
export interface Arrival {
  /** `accepted`, or why the change was not made; null: its moment never came. */
  readonly said: string | null
  readonly move: Ended | undefined
  readonly before: readonly string[]
  readonly source: readonly string[]
  readonly target: readonly string[]
  /** Rows of the tenant beside it that came along. */
  readonly strangers: readonly string[]
}

/**
 * Moves one tenant for each kind of change, several at once, and makes its change when the first
 * call on its behalf that `whenOf` looks for has been answered. Returns title → arrival.
 */
export async function moveThroughChanges(
  world: World,
  whenOf: (kind: number) => When,
): Promise<Map<string, Arrival>> {
  const before = new Map<string, string[]>()
  for (const kind of kindsOfChanges.keys()) {
    await world.source.pool.query(`select setval('notes_id_seq', $1)`, [baseOf(kind)])
    await world.addTenant(acmeOf(kind), 10)
    await world.addTenant(betaOf(kind), 4)
    before.set(acmeOf(kind), await rowsAt(world, 'source', acmeOf(kind)))
  }
  const { moves, said } = await moveWriting(world, whenOf)
  const arrivals = new Map<string, Arrival>()
  for (const [kind, title] of titlesOfChanges.entries()) {
    const acme = acmeOf(kind)
    arrivals.set(title, {
      said: said.get(acme) ?? null,
      move: moves.get(acme),
      before: before.get(acme) ?? [],
      source: await rowsAt(world, 'source', acme),
      target: await rowsAt(world, 'target', acme),
      strangers: await rowsAt(world, 'target', betaOf(kind)),
    })
  }
  return arrivals
}

async function moveWriting(world: World, whenOf: (kind: number) => When) {
  const write = createWriter(world.source.url)
  const tenants = [...kindsOfChanges.keys()].map(acmeOf)
  const said = new Map<string, string>()
  const hear = (message: unknown) => {
    const call = message as RemoteCall
    const kind = tenants.indexOf(call.tenant ?? '')
    if (kind < 0 || said.has(acmeOf(kind)) || call.moment !== 'after') return
    if (whenOf(kind)(call)) said.set(acmeOf(kind), write(statementsOf(kind)))
  }
  subscribe('rehome:call', hear)
  try {
    await using _worker = await world.work()
    const { runId } = await world.rehome.enqueue(world.plan(), { tenants })
    return { moves: await ended(world, runId), said }
  } finally {
    unsubscribe('rehome:call', hear)
  }
}

export function expectArrived(arrival: Arrival | undefined): void {
  expect(arrival?.said).toBe('accepted')
  expect([arrival?.move?.phase, arrival?.move?.error_message]).toEqual(['moved', null])
  expect(arrival?.source).not.toEqual(arrival?.before)
  expect(arrival?.target).toEqual(arrival?.source)
  expect(arrival?.strangers).toEqual([])
}

const acmeOf = (kind: number) => `acme ${kind}`
const betaOf = (kind: number) => `beta ${kind}`
const baseOf = (kind: number) => 1_000 * (kind + 1)

function statementsOf(kind: number): string[] {
  const [, ...statements] = kindsOfChanges[kind] ?? []
  return statements.map((statement) =>
    statement
      .replace(/#(\d+)/g, (_, id: string) => String(baseOf(kind) + Number(id)))
      .replaceAll(':acme', `'${acmeOf(kind)}'`)
      .replaceAll(':beta', `'${betaOf(kind)}'`),
  )
}

/** Moves acme, and writes once, when the first call that is looked for has been answered. */
export async function moveWhile(
  world: World,
  statements: readonly string[],
  when: (call: RemoteCall) => boolean,
) {
  const write = createWriter(world.source.url)
  let said: string | null = null
  const hear = (message: unknown) => {
    const call = message as RemoteCall
    if (said === null && call.moment === 'after' && when(call)) said = write(statements)
  }
  subscribe('rehome:call', hear)
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  unsubscribe('rehome:call', hear)
  return { move, said }
}
