// Moves of a tenant that something happens to after every request of every round.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'vitest'
import type { RemoteCall } from '../../../src/calls.ts'
import { createHttpWorld, type EndName, type HttpWorld } from '../http-world.ts'
import { ended } from '../runs.ts'
import { onlinePlan } from '../way-back.ts'
import type { World } from '../world.ts'
import {
  changingSchema,
  changingTables,
  everythingOf,
  type KindOfChange,
  seedOf,
} from './changes-between.ts'
import { createWriter } from './writes-between.ts'

const plan = {
  ...onlinePlan,
  ...{ tables: changingTables, attempts: 1, chunkRows: 2_000 },
  fence: { leaseMs: 30_000, drainMs: 10_000 },
} as const

export interface Changing {
  readonly kinds: readonly KindOfChange[]
  /** After so many requests something changes. */
  readonly places: number
}

/** Groups of rows of acme for each place and kind: one for the way there, one for the way back. */
export async function createChangingWorld(
  over: readonly EndName[],
  { kinds, places }: Changing,
): Promise<HttpWorld> {
  const asking = { pageRows: 200 }
  const world = await createHttpWorld({ over, plan, both: changingSchema, asking })
  await world.source.pool.query(`insert into tenants (id, name) values ('other', 'Other')`)
  await world.source.pool.query(seedOf('acme', { first: 1, count: 2 * places * kinds.length }))
  return world
}

const isOfRounds = ({ tenant, moment, phase = '', to }: RemoteCall) =>
  tenant === 'acme' &&
  moment === 'after' &&
  /catch_up|verify|undo_comp/.test(phase) &&
  /^(source|target)$/.test(to)

/** Changes rows at one end after each request of a round, until that end is fenced. */
export async function whileChanging<T>(
  world: World,
  { at, kinds, places }: Changing & { readonly at: EndName },
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly said: readonly string[] }> {
  const write = createWriter(world[at].url)
  const said: string[] = []
  const hear = (message: unknown) => {
    if (!isOfRounds(message as RemoteCall) || said.length >= places) return
    if (said.some((one) => one.startsWith('25006'))) return
    said.push(write(changesAt(said.length, kinds, at === 'source' ? 0 : places)))
  }
  subscribe('rehome:call', hear)
  try {
    return { result: await work(), said }
  } finally {
    unsubscribe('rehome:call', hear)
  }
}

/** A group's second step comes two requests after its first. */
function changesAt(place: number, kinds: readonly KindOfChange[], offset: number): string[] {
  return kinds.flatMap(([, ...steps], kind) =>
    steps.flatMap((step, i) => {
      const at = place - 2 * i
      const group = 1 + (offset + at) * kinds.length + kind
      return at < 0 ? [] : step({ tenant: 'acme', other: 'other', id: 10 * group + 1 })
    }),
  )
}

export async function moveOnce(world: World) {
  const { runId } = await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })
  const move = (await ended(world, runId)).get('acme')
  return { runId: runId ?? '', found: [move?.phase, move?.error_message ?? null] }
}

export async function expectEqualEnds(world: World): Promise<void> {
  const [source, target] = await Promise.all(
    [world.source, world.target].map(({ pool }) => pool.query(everythingOf, ['acme'])),
  )
  expect(target?.rows).toEqual(source?.rows)
}
