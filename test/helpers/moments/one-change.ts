// One change at one request of a round, and nothing else but that: what another change would bring
// along stays away. A cell is a tenant of its own; many of them move at once, without a queue.
import { expect } from 'vitest'
import { askRollback, askWindow } from '../../../src/control/ask.ts'
import { messageOf } from '../../../src/errors.ts'
import { inTransaction, type Pool, sqlStateOf } from '../../../src/postgres.ts'
import { type Attempts, openAttempts } from '../attempts/attempts.ts'
import { Life } from '../attempts/life.ts'
import { eachAtOnce } from '../attempts/scene.ts'
import { type Asked, storeMoves, stories } from '../attempts/stories.ts'
import { bothEnds, createHttpWorld, type EndName, type HttpWorld } from '../http-world.ts'
import { onlinePlan } from '../way-back.ts'
import type { CallPoint } from './call-points.ts'
import {
  changingSchema,
  changingTables,
  everythingOf,
  type KindOfChange,
  kindsBetween,
  seedOf,
} from './changes-between.ts'

export const kinds: readonly KindOfChange[] = Object.values(kindsBetween).flat()

export function kindAt(i: number): KindOfChange {
  const kind = kinds[i % kinds.length]
  if (!kind) throw new Error('no kinds')
  return kind
}

export interface Ended {
  /** Writes of the cell that were not accepted. */
  readonly refused: readonly string[]
}

export interface Cell {
  readonly tenant: string
  readonly kind: KindOfChange
  /** After so many requests of the rounds of each errand. */
  readonly place: number
  /** Number of the first of its groups of rows. */
  readonly first: number
}

/** So many requests each errand has at least, once something has changed. */
export const placesEach = 20

/** One warms the tables up, so that rounds look at them; one for each errand. */
const groupsEach = 4

export interface Matrix extends AsyncDisposable {
  readonly world: HttpWorld
  readonly attempts: Attempts
  readonly moves: ReadonlyMap<string, Asked>
}

export function cellsOf(chosen: readonly { kind: KindOfChange; place: number }[]): Cell[] {
  return chosen.map((one, i) => ({ ...one, tenant: `cell ${i}`, first: 1 + i * groupsEach }))
}

export async function createMatrix(cells: readonly Cell[]): Promise<Matrix> {
  const world = await createHttpWorld({
    over: bothEnds,
    asking: { pageRows: 200 },
    both: changingSchema,
    plan: {
      ...{ ...onlinePlan, tables: changingTables, attempts: 3, chunkRows: 2_000 },
      fence: { leaseMs: 600_000, drainMs: 10_000 },
    },
  })
  const insert = `insert into tenants (id, name) values ('other', 'Other')`
  for (const { pool } of [world.source, world.target]) await pool.query(insert)
  const seeds = cells.map(({ tenant, first }) => seedOf(tenant, { first, count: groupsEach }))
  await world.source.pool.query(seeds.join(';'))
  const tenants = cells.map(({ tenant }) => tenant)
  const moves = await storeMoves(world, stories.move, tenants)
  const attempts = openAttempts(world)
  return {
    ...{ world, attempts, moves: new Map(moves.map((move) => [move.tenant, move])) },
    async [Symbol.asyncDispose]() {
      await attempts[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}

const isOfRounds = ({ name }: CallPoint) =>
  /^after (catch_up|verify|undo_catch_up|undo_compare|audit) (source|target) /.test(name)

/** The attempt stands still for what `met` does after each request of a round, by its number. */
export function hearingRounds(met: (place: number) => Promise<unknown> | null): Life {
  let place = -1
  return new Life((point, life) => {
    if (!isOfRounds(point)) return
    place += 1
    const work = met(place)
    if (!work) return
    life.hold()
    void work.finally(() => life.wake())
  })
}

/** `accepted`, or why it was not. */
export async function write(pool: Pool, statements: readonly string[]): Promise<string> {
  return await inTransaction(pool, async (client) => {
    for (const statement of statements) await client.query(statement)
    return 'accepted'
  }).catch((error: unknown) => `${sqlStateOf(error)} ${messageOf(error)}`)
}

/** The result of each write: `accepted`, or why it was refused. */
async function attemptChanging(
  matrix: Matrix,
  cell: Cell,
  { at, group }: { readonly at: EndName; readonly group: number },
): Promise<string[]> {
  const { tenant, kind, place } = cell
  const [, ...steps] = kind
  const of = (which: number) => ({ tenant, other: 'other', id: 10 * (cell.first + which) + 1 })
  const warm = [
    `update lists set body = body || '.' where id = ${of(0).id}`,
    `update items set text = text || '.' where list_id = ${of(0).id}`,
    `update books set body = body || '.' where id = ${of(0).id}`,
  ]
  const { pool } = matrix.world[at]
  const said: string[] = []
  const life = hearingRounds((met) => {
    const statements = [...(met === 0 ? warm : []), ...(steps[met - place]?.(of(group)) ?? [])]
    if (statements.length === 0) return null
    return write(pool, statements).then((answer) => void said.push(answer))
  })
  const id = matrix.moves.get(tenant)?.id ?? ''
  await matrix.attempts.live(life, id)
  // A connection that is held back for too long is closed by the end, which passes.
  await matrix.attempts.finish(id)
  return said
}

export async function expectPhaseOf(matrix: Matrix, tenant: string, phase: string): Promise<void> {
  const query = 'select phase, error_message from rehome_control.moves where id = $1'
  const { rows } = await matrix.world.control.pool.query(query, [matrix.moves.get(tenant)?.id])
  expect(rows).toEqual([{ phase, error_message: null }])
}

export async function everythingAt(matrix: Matrix, end: EndName, tenant: string): Promise<unknown> {
  return (await matrix.world[end].pool.query(everythingOf, [tenant])).rows
}

/** There, tried whether it could come back, and back: with its change at the same place of each. */
async function moveAndReturn(matrix: Matrix, cell: Cell): Promise<string[][]> {
  const { tenant } = cell
  const { control } = matrix.world.rehome
  const id = matrix.moves.get(tenant)?.id ?? ''
  const there = await attemptChanging(matrix, cell, { at: 'source', group: 1 })
  await expectPhaseOf(matrix, tenant, 'moved')
  const old = await everythingAt(matrix, 'source', tenant)
  expect(await everythingAt(matrix, 'target', tenant)).toEqual(old)
  await askWindow(control, id, { errand: 'audit', by: 'tester' })
  const tried = await attemptChanging(matrix, cell, { at: 'target', group: 2 })
  await expectPhaseOf(matrix, tenant, 'moved')
  expect(await everythingAt(matrix, 'source', tenant)).toEqual(old)
  await askRollback(control, id, { by: 'tester', discardWrites: false })
  const back = await attemptChanging(matrix, cell, { at: 'target', group: 3 })
  await expectPhaseOf(matrix, tenant, 'rolled_back')
  const now = await everythingAt(matrix, 'target', tenant)
  expect(await everythingAt(matrix, 'source', tenant)).toEqual(now)
  return [there, tried, back]
}

/** Several at once. Tenant → how it ended. */
export async function endCells(
  matrix: Matrix,
  cells: readonly Cell[],
): Promise<ReadonlyMap<string, Ended | Error>> {
  const ended = new Map<string, Ended | Error>()
  await eachAtOnce(cells, async (cell) => {
    const said = await moveAndReturn(matrix, cell).catch((error: Error) => error)
    ended.set(cell.tenant, said instanceof Error ? said : endedOf(cell, said))
  })
  return ended
}

/** A change that was made at no request at all was not refused: it was forgotten. */
function endedOf({ kind: [, ...steps] }: Cell, said: readonly string[][]): Ended {
  const refused = said.flatMap((answers) => {
    const made = answers.length < steps.length ? ['not made'] : []
    return [...made, ...answers.filter((answer) => answer !== 'accepted')]
  })
  return { refused }
}
