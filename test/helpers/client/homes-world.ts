// The application's side of a world: homes over the pools that it would have, and a tenant that is
// fenced and moved step by step, as an attempt does it.
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { expect } from 'vitest'
import { createHomes, type Homes, type HomesOptions } from '../../../src/client/index.ts'
import * as flags from '../../../src/ends/postgres/fence/tenant-flags.ts'
import { placeOf } from '../../../src/place.ts'
import type { PlanInput } from '../../../src/plan/plan.ts'
import { openPool } from '../database.ts'
import { claimTarget, raiseFence } from '../fenced.ts'
import { createWorld, type World } from '../world.ts'

/** A stack of resources: they are closed after the test, the last first. */
function createStack() {
  const closing: (() => Promise<unknown> | undefined)[] = []
  return {
    use<T extends AsyncDisposable>(opened: T): T {
      closing.unshift(async () => await opened[Symbol.asyncDispose]())
      return opened
    },
    defer: (close: () => Promise<unknown>) => void closing.unshift(close),
    async dispose() {
      for (const close of closing) await close()
    },
  }
}

export type HomesWorld = Awaited<ReturnType<typeof createHomesWorld>>

type Options = Partial<HomesOptions<pg.Pool>>

/** A world with tenants acme and beta. */
export async function createHomesWorld(plan: Partial<PlanInput> = {}) {
  const stack = createStack()
  const world: World = stack.use(await createWorld({ plan }))
  await world.addTenant('acme')
  await world.addTenant('beta')
  let looks = 0
  const poolAt = (url: string): pg.Pool => {
    const pool = openPool(url)
    const query = pool.query.bind(pool) as (...args: unknown[]) => unknown
    const counted = (...args: unknown[]) => {
      if (String(args[0]).includes('rehome.fences_of')) looks += 1
      return query(...args)
    }
    Object.assign(pool, { query: counted })
    stack.defer(() => pool.end())
    return pool
  }
  return {
    world,
    use: stack.use,
    poolAt,
    /** How often the pools were asked for flags. */
    looks: () => looks,
    openHomes(options: Options = {}): Homes<pg.Pool> {
      const [old, next] = [poolAt(world.source.url), poolAt(world.target.url)]
      const homes = createHomes({ homes: { old: { db: old }, next: { db: next } }, ...options })
      return stack.use(homes)
    },
    fence: (tenant = 'acme', leaseMs = 60_000) => fence(world, tenant, leaseMs),
    async modeAt(end: 'source' | 'target'): Promise<string | undefined> {
      const query = `select mode from rehome.tenant_flags where tenant_id = 'acme'`
      return (await world[end].pool.query(query)).rows[0]?.mode
    },
    [Symbol.asyncDispose]: stack.dispose,
  }
}

async function fence({ source, target }: World, tenant: string, leaseMs: number) {
  const hold = { scope: 'default', tenant, token: randomUUID() }
  const raise = { ...hold, epoch: randomUUID(), moveId: randomUUID(), reason: 'moving' }
  expect(await raiseFence(source.pool, { ...raise, retryAfterS: 3, leaseMs })).toBe(true)
  return {
    raise,
    lower: () => flags.lowerFence(source.pool, hold),
    async cutOver() {
      const claim = { ...raise, ours: [], retryAfterS: 3 }
      expect(await claimTarget(target.pool, claim)).not.toBeNull()
      expect(await flags.markMoved(source.pool, hold, placeOf(target.url))).not.toBeNull()
    },
  }
}
