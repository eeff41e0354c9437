// Several foreign keys of one tenant are broken at once: the error names the first five and says
// how many more there are, whatever kind the ends are of, and the evidence has all of them.
import { expect, test } from 'vitest'
import type { Move } from '../../src/control/database.ts'
import type { PlanInput } from '../../src/plan/plan.ts'
import { openAttempts } from '../helpers/attempts/attempts.ts'
import { bothEnds, createHttpWorld, type EndName } from '../helpers/http-world.ts'
import type { World } from '../helpers/world.ts'

const keys = ['k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7']
const each = (of: (key: string) => string) => keys.map(of).join(', ')
const keyed = `alter table notes ${each((key) => `add ${key} bigint`)}`
const refers = `alter table notes ${each((key) => `add foreign key (${key}) references notes (id)`)}`
/** A table that stays, and that refers to the tenant's rows. */
const marks = `create table marks (${each((key) => `${key} bigint references notes (id)`)})`
const named = (text: string) => [...new Set(text.match(/k\d(?=_fkey)/g))].toSorted()

const ends: [called: string, over: readonly EndName[]][] = [
  ['between two databases', []],
  ['over HTTP', bothEnds],
]

async function carriedOut(world: World, ask: () => Promise<string | null>): Promise<Move> {
  const runId = (await ask()) ?? ''
  const [move] = (await world.rehome.status(runId)).moves
  await using attempts = openAttempts(world)
  await attempts.finish(move?.id ?? '')
  return (await world.rehome.status(runId)).moves[0] as Move
}

const moved = (world: World) =>
  carriedOut(world, async () => {
    return (await world.rehome.enqueue(world.plan(), { tenants: ['acme'] })).runId
  })

function expectAllTold({ error_code, error_message, evidence }: Move): void {
  expect(error_code).toBe('FOREIGN_KEY_BROKEN')
  expect(named(error_message ?? ''), error_message ?? '').toHaveLength(5)
  expect(error_message).toMatch(/; and 2 more(:|$)/)
  expect(evidence).toBeDefined()
}

test.each(
  ends.flatMap(([called, over]) =>
    (['offline', 'online'] as const).map((strategy) => [strategy, called, over] as const),
  ),
)('an %s move %s names all keys that its rows break', async (strategy, _, over) => {
  const plan: Partial<PlanInput> = { strategy, attempts: 1 }
  await using world = await createHttpWorld({ over, plan, both: keyed, target: refers })
  await world.addTenant('acme')
  const broken = `update notes set ${each((key) => `${key} = 900 + id`)}`
  await world.source.pool.query(broken)
  expectAllTold(await moved(world))
})

test.each(ends)('a clean-up %s names all keys that it would break', async (_, over) => {
  const plan: Partial<PlanInput> = { attempts: 1, exclude: ['marks'] }
  await using world = await createHttpWorld({ over, plan, source: marks })
  await world.addTenant('acme')
  const move = await moved(world)
  expect(move).toMatchObject({ phase: 'moved', error_code: null })
  await world.source.pool.query(`begin; set local session_replication_role = replica;
    insert into marks select ${each(() => 'min(id)')} from notes; commit`)
  const cleaned = await carriedOut(world, async () => {
    await world.rehome.cleanup(move.run_id, { tenants: ['acme'] })
    return move.run_id
  })
  expectAllTold(cleaned)
})
