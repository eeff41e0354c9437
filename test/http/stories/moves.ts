// Tenants that move where one end, or both, are reached over HTTP.
import { expect } from 'vitest'
import type { PlanInput } from '../../../src/plan/plan.ts'
import { overHttp, serveEnd } from '../../helpers/http-end.ts'
import { ended, expectHome, rowsAt } from '../../helpers/runs.ts'
import { createWorld, type World } from '../../helpers/world.ts'

/** Which ends are reached over HTTP. */
interface Mix {
  readonly source: boolean
  readonly target: boolean
}

export const mixes: readonly Mix[] = [
  { source: true, target: false },
  { source: false, target: true },
  { source: true, target: true },
]

export async function moveTenants(mix: Mix): Promise<void> {
  await using world = await createWorld()
  await using at = await overHttpWhere(world, mix)
  for (const tenant of at.plan.tenants as string[]) await world.addTenant(tenant, 12)
  await using _worker = await world.work([at.plan])
  expect(await world.rehome.check(at.plan)).toEqual([])
  const { runId } = await world.rehome.enqueue(at.plan)
  const moves = [...(await ended(world, runId)).values()]
  expect(moves.map(({ phase, error_message }) => [phase, error_message])).toEqual([
    ['moved', null],
    ['moved', null],
    ['moved', null],
  ])
  for (const tenant of at.plan.tenants as string[]) {
    expect(await rowsAt(world, 'target', tenant)).toEqual(await rowsAt(world, 'source', tenant))
    await expectHome(world, tenant, 'target')
  }
  const next = `insert into notes (tenant_id, body) values ('acme', 'new') returning id`
  expect(Number((await world.target.pool.query(next)).rows[0].id)).toBeGreaterThan(36)
}

async function overHttpWhere(
  world: World,
  { source, target }: Mix,
): Promise<{ plan: PlanInput } & AsyncDisposable> {
  const served = [
    source ? await serveEnd(world.source) : null,
    target ? await serveEnd(world.target) : null,
  ]
  const [from, to] = served
  const plan = world.plan({
    tenants: ['acme', 'Ünï/..', "o'neil; --"],
    ...(from && { source: overHttp(world, from) }),
    ...(to && { target: overHttp(world, to) }),
  })
  return {
    plan,
    async [Symbol.asyncDispose]() {
      for (const end of served) await end?.[Symbol.asyncDispose]()
    },
  }
}
