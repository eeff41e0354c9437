// Schemas with something odd about them: their rows move, are written at the new home and come
// back, between two databases and between two ends over HTTP.
import { expect, test } from 'vitest'
import { askRollback } from '../../src/control/ask.ts'
import { table } from '../../src/plan/plan.ts'
import { openAttempts } from '../helpers/attempts/attempts.ts'
import { storeMoves, stories } from '../helpers/attempts/stories.ts'
import { bothEnds, createHttpWorld } from '../helpers/http-world.ts'
import { oddSchemas } from '../helpers/schemas/odd-schemas.ts'
import { onlinePlan } from '../helpers/way-back.ts'
import { createWorld, type World } from '../helpers/world.ts'

const all = Object.values(oddSchemas)
const tables = all.flatMap((one) => one.tables)
const options = {
  both: `drop table note_lines, notes, visits, tenants; ${all.map(({ sql }) => sql).join(';')}`,
  plan: {
    ...{ ...onlinePlan, attempts: 1, fence: { leaseMs: 600_000, drainMs: 10_000 } },
    tenants: ['acme', 'umbra'],
    tables: tables.map((name) => table(name)),
  },
}

type EndName = 'source' | 'target'

async function rowsAt(world: World, end: EndName, tenant: string): Promise<[string, string][]> {
  const queries = tables.map(
    (name) => `select '${name}' as name, r::text as row from ${name} r where tenant_id = $1`,
  )
  const { rows } = await world[end].pool.query(`${queries.join(' union all ')} order by 1, 2`, [
    tenant,
  ])
  return rows.map(({ name, row }) => [name, row])
}

async function moveAndReturn(world: World): Promise<void> {
  for (const tenant of ['acme', 'umbra']) {
    const rows = all.map((one) => one.rows.replaceAll('$', `'${tenant}'`))
    await world.source.pool.query(rows.join(';'))
  }
  const [before, others] = [
    await rowsAt(world, 'source', 'acme'),
    await rowsAt(world, 'source', 'umbra'),
  ]
  const attempts = openAttempts(world)
  const [move] = await storeMoves(world, stories.move, ['acme'])
  const id = move?.id ?? ''
  const ended = async () => {
    await attempts.finish(id)
    const query = 'select phase, error_message from rehome_control.moves where id = $1'
    return (await world.control.pool.query(query, [id])).rows[0]
  }
  expect(await ended()).toEqual({ phase: 'moved', error_message: null })
  expect(await rowsAt(world, 'target', 'acme')).toEqual(before)
  for (const { writes } of all) await world.target.pool.query(writes)
  const written = await rowsAt(world, 'target', 'acme')
  await askRollback(world.rehome.control, id, { by: 'tester', discardWrites: false })
  expect(await ended()).toEqual({ phase: 'rolled_back', error_message: null })
  expect(await rowsAt(world, 'source', 'acme')).toEqual(written)
  expect(await rowsAt(world, 'source', 'umbra')).toEqual(others)
  await attempts[Symbol.asyncDispose]()
}

const timeout = 120_000

test('between two databases', { timeout }, async () => {
  await using world = await createWorld(options)
  expect(await world.rehome.check(world.plan())).toEqual([])
  await moveAndReturn(world)
})

test('between two ends over HTTP', { timeout }, async () => {
  await using world = await createHttpWorld({ over: bothEnds, ...options })
  const plan = world.plan({ tenants: ['acme', 'umbra'] })
  expect(await world.rehome.check(plan)).toEqual([])
  await moveAndReturn({ ...world, plan: () => plan })
})
