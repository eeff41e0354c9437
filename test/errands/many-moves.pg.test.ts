// Errands on a run of many moves: read in pages, without what may be large, and asked several at a
// time.
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askPage, withdrawalOf, withJob } from '../../src/control/ask.ts'
import { pagesOf } from '../../src/control/run-moves.ts'
import { askFor } from '../../src/coordinator/ask-errands.ts'
import { type ChosenPage, chosenFor, halfway } from '../../src/coordinator/errand-choice.ts'
import { priceOf } from '../../src/coordinator/price.ts'
import { RehomeError } from '../../src/errors.ts'
import { commonBackend } from '../helpers/backends.ts'
import { type ControlOnly, createControl, storeMoves } from '../helpers/errands/states.ts'
import { openQueue } from '../helpers/moves/queue.ts'
import { allIn } from '../helpers/pages.ts'

let db: ControlOnly
beforeAll(async () => {
  db = await createControl()
})
afterAll(() => db[Symbol.asyncDispose]())

const failed = { phase: 'failed', open: 'nothing', variant: 'no window' } as const

const failedMoves = (count: number) => Array.from({ length: count }, () => failed)

/** A run with so many moves, each of which has 20 kB of evidence. */
async function storeLarge(count: number) {
  const stored = await storeMoves(db.control, failedMoves(count))
  const query = `update rehome_control.moves set evidence = jsonb_build_object('x', repeat('x', 20000))
    where run_id = $1`
  await db.control.pool.query(query, [stored.runId])
  return stored
}

const by = 'tester'

async function* movesIn(pages: AsyncIterable<ChosenPage>) {
  for await (const { moves } of pages) yield moves
}

test('all moves of a run are chosen and priced without their evidence', async () => {
  const { runId, moves } = await storeLarge(1_100)
  for (const errand of ['retry', 'rollback'] as const) {
    const choice = await chosenFor(db.control, errand, { runId, by, all: true })
    const chosen = await allIn(movesIn(choice.pages()))
    expect(chosen).toHaveLength(moves.length)
    expect(JSON.stringify(chosen).length).toBeLessThan(1_000 * moves.length)
    const tenants: string[] = []
    const onTenants = (some: readonly string[]) => void tenants.push(...some)
    const price = await priceOf(db.control, runId, { errand, all: true, onTenants })
    expect([price.count, price.tenants.length]).toEqual([1_100, 1_000])
    expect(new Set(tenants)).toEqual(new Set(moves.map(({ tenant }) => tenant)))
  }
})

test.each(['retry', 'rollback'] as const)(
  'a %s of all moves gives each of them one job, and asks once',
  async (errand) => {
    await using opened = await openQueue(commonBackend() ?? { name: 'postgres' })
    const { queues } = opened
    const { runId, moves } = await storeMoves(db.control, failedMoves(60))
    const at = { control: db.control, queues }
    const tenants = moves.map(({ tenant }) => tenant).sort()
    const asked = await askFor(at, errand, { by, runId, all: true })
    expect(asked).toEqual({ count: 60, tenants })
    const jobs = await Promise.all(
      [queues.byErrand.move, queues.byErrand.rollback].map((queue) => queue.getJobs()),
    )
    expect(new Set(jobs.flat().map((job) => job.data.tenantId))).toEqual(new Set(tenants))
    expect(await askFor(at, errand, { by, runId, all: true })).toEqual({ count: 0, tenants: [] })
  },
)

test('of moves that wait for the feeder, those that a worker is at get their job at once', async () => {
  const { runId } = await storeMoves(db.control, [
    { phase: 'copy', open: 'move', variant: 'no window' },
    { phase: 'copy', open: 'move', variant: 'no window' },
  ])
  const [first, second] = await allIn(pagesOf(db.control, { runId }, sql`true`))
  if (!first || !second) throw new Error('there are two moves')
  const mark = `update rehome_control.moves set token = case id when $1 then gen_random_uuid() end
    where run_id = $2`
  await db.control.pool.query(mark, [first.id, runId])
  const asked = await askPage(db.control, [first, second], {
    ...withdrawalOf({ by }),
    hasJob: false,
  })
  expect(withJob(asked).map(({ id }) => id)).toEqual([first.id])
})

test('a tenant that is named is not passed over, though its move has changed since the first look', async () => {
  const { runId, moves } = await storeMoves(db.control, [failed])
  const tenants = moves.map(({ tenant }) => tenant)
  const choice = await chosenFor(db.control, 'rollback', { runId, by, tenants })
  await choice.survey(() => {})
  const start = `update rehome_control.moves set open = true, phase = 'cutover' where run_id = $1`
  await db.control.pool.query(start, [runId])
  await expect(allIn(movesIn(choice.pages()))).rejects.toMatchObject({ code: 'NOT_ALLOWED_NOW' })
})

test('an error halfway tells how many tenants were asked for', async () => {
  const reached = { count: 0 }
  const failing = halfway(reached, async () => {
    reached.count = 7
    throw new RehomeError('UNREACHABLE', 'the queue is away')
  })
  const message = 'the queue is away; 7 tenant(s) had been asked for by then'
  await expect(failing).rejects.toMatchObject({ code: 'UNREACHABLE', message, data: { asked: 7 } })
})
