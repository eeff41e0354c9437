// The contract of flags beside single transitions: turns, leases, keys, lists, and tenants that are
// kept apart. Asked of each kind of end.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  begin,
  bringTo,
  claimOf,
  holdOf,
  lapse,
  longMs,
  modeOf,
  newActor,
  newTenant,
  raiseOf,
  states,
  windowMs,
} from '../helpers/ends/flag-states.ts'
import { hostileTenants } from '../helpers/ends/hostile.ts'
import { kinds, openTestEnd, type TestEnd } from '../helpers/ends/kinds.ts'

const scope = 'default'

describe.each(kinds)('%s', (kind) => {
  let at: TestEnd
  beforeAll(async () => {
    at = await openTestEnd(kind)
  })
  afterAll(() => at[Symbol.asyncDispose]())
  const flags = () => at.end.flags
  const onlyWithFeed = test.skipIf(kind === 'api')
  const read = (tenant: string) => flags().readFlag({ scope, tenant })

  test('an end that is there answers, and has no flag of a tenant that it does not know', async () => {
    await expect(flags().answer()).resolves.toBeUndefined()
    expect(await read(newTenant())).toBeNull()
  })

  test('turns are taken in the order of their numbers, each by one token', async () => {
    const tenant = newTenant()
    const take = async (token: string, turn: string) =>
      (await flags().takeTurn({ scope, tenant, token, turn })) !== null
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()]
    expect(await take(first, '9')).toBe(true)
    expect(await take(first, '9')).toBe(true)
    expect(await take(second, '9')).toBe(false)
    expect(await take(second, '8')).toBe(false)
    expect(await take(second, '10')).toBe(true)
    expect(await take(first, '9')).toBe(false)
    expect(await take(third, '1000000')).toBe(true)
    expect(await take(second, '999999')).toBe(false)
    const other = { scope, tenant: newTenant(), token: first, turn: '1' }
    expect(await flags().takeTurn(other)).toEqual({ flag: null })
  })

  test('nothing is raised or claimed without a turn', async () => {
    const actor = newActor(newTenant())
    expect(await flags().raiseFence(raiseOf(actor))).toBeNull()
    expect(await flags().claimTarget(claimOf(actor))).toBeNull()
    expect(await read(actor.tenant)).toBeNull()
  })

  test('a flag is read as it was raised', async () => {
    const actor = await begin(flags(), newActor(newTenant()))
    const raised = await flags().raiseFence(raiseOf(actor))
    const { token, epoch, moveId } = actor
    const expected = {
      ...{ mode: 'read_only', token, epoch, moveId, movedTo: null, rowsAreOurs: false },
      ...{ lapsed: false, captureUntil: null, inWindow: false },
    }
    expect(raised).toMatchObject(expected)
    const found = await read(actor.tenant)
    expect(found).toMatchObject(expected)
    expect(found?.heldMs).toBeGreaterThanOrEqual(raised?.heldMs ?? 0)
    await flags().markMoved({ ...holdOf(actor), movedTo: 'https://new.example/é' })
    const moved = { mode: 'moved', movedTo: 'https://new.example/é', lapsed: false }
    expect(await read(actor.tenant)).toMatchObject(moved)
  })

  test.runIf(kind === 'http')(
    'every flag is read as one who stands beside it reads it',
    async () => {
      for (const state of states) {
        const { tenant } = await bringTo(at, newTenant(), state)
        const beside = await at.beside.readFlag({ scope, tenant })
        expect({ ...(await read(tenant)), heldMs: 0 }).toEqual({ ...beside, heldMs: 0 })
      }
    },
  )

  test('a fence that stands is held since it was first raised; one that lapsed begins anew', async () => {
    const actor = await begin(flags(), newActor(newTenant()))
    await flags().raiseFence(raiseOf(actor))
    await at.flagDatabase.pool.query('select pg_sleep(0.05)')
    expect((await flags().raiseFence(raiseOf(actor, 1)))?.heldMs).toBeGreaterThanOrEqual(50)
    await at.flagDatabase.pool.query('select pg_sleep(0.05)')
    const again = await flags().raiseFence({ ...raiseOf(actor), epoch: randomUUID() })
    expect(again?.heldMs).toBeLessThan(50)
  })

  test('a lapsed fence lets writers in; the mover that comes later has lost it', async () => {
    const actor = await bringTo(at, newTenant(), 'read-only, lapsed')
    expect(await read(actor.tenant)).toMatchObject({ lapsed: true })
    expect(await at.write(actor.tenant)).toBe(true)
    if (kind === 'api') expect(await flags().lowerLapsed(actor)).toBe(true)
    expect(await flags().renewLease({ ...holdOf(actor), leaseMs: longMs })).toBe(false)
    expect(await flags().markMoved({ ...holdOf(actor), movedTo: 'there' })).toBeNull()
    expect(await read(actor.tenant)).toBeNull()
  })

  test('a lease that was renewed before anyone wrote holds', async () => {
    const actor = await bringTo(at, newTenant(), 'read-only, lapsed')
    expect(await flags().renewLease({ ...holdOf(actor), leaseMs: longMs })).toBe(true)
    expect(await read(actor.tenant)).toMatchObject({ mode: 'read_only', lapsed: false })
    expect(await at.write(actor.tenant)).toBe(false)
  })

  test('only what has lapsed is listed, and lowered once', async () => {
    const of = async (state: (typeof states)[number]) =>
      (await bringTo(at, newTenant(), state)).tenant
    const lapsed = await of('read-only, lapsed')
    const others = [await of('read-only'), await of('receiving'), await of('moved'), newTenant()]
    const listed = await flags().lapsedFences({ scope })
    expect(listed).toContain(lapsed)
    expect(listed.filter((tenant) => others.includes(tenant))).toEqual([])
    for (const tenant of others) expect(await flags().lowerLapsed({ scope, tenant })).toBe(false)
    expect(await flags().lowerLapsed({ scope, tenant: lapsed })).toBe(true)
    expect(await flags().lowerLapsed({ scope, tenant: lapsed })).toBe(false)
    expect(await flags().lapsedFences({ scope })).not.toContain(lapsed)
    const still = await Promise.all(others.map(async (tenant) => modeOf(await read(tenant))))
    expect(still).toEqual(['read_only', 'receiving', 'moved', 'open'])
  })

  onlyWithFeed('a fence that lapses within its window falls back to the capture', async () => {
    for (const lowers of [true, false]) {
      const actor = await bringTo(at, newTenant(), 'capturing in its window')
      const raise = { ...holdOf(actor), epoch: actor.epoch, leaseMs: 1 }
      await flags().fenceCaptured(raise)
      await lapse(at)
      expect(await flags().lapsedFences({ scope })).toContain(actor.tenant)
      if (lowers) expect(await flags().lowerLapsed(actor)).toBe(true)
      else expect(await at.write(actor.tenant)).toBe(true)
      const flag = await read(actor.tenant)
      expect(flag).toMatchObject({ mode: 'capturing', inWindow: true, lapsed: false })
    }
  })

  onlyWithFeed(
    'a capture within its window lasts as long as that, whatever its lease',
    async () => {
      const actor = await bringTo(at, newTenant(), 'capturing in its window')
      await flags().renewLease({ ...holdOf(actor), leaseMs: 1 })
      await lapse(at)
      expect(await read(actor.tenant)).toMatchObject({ mode: 'capturing', lapsed: false })
    },
  )

  onlyWithFeed('a window begins when the end opens, and lasts as long as was claimed', async () => {
    for (const opens of ['openReceived', 'openWith'] as const) {
      const actor = await begin(flags(), newActor(newTenant()))
      const claimed = await flags().claimTarget(claimOf(actor, windowMs))
      expect(claimed).toMatchObject({ captureUntil: null, inWindow: false })
      const key = { scope, tenant: actor.tenant, key: actor.epoch }
      const opened =
        opens === 'openWith' ? flags().openWith(key) : flags().openReceived(holdOf(actor))
      expect(await opened).toBe(true)
      const flag = await read(actor.tenant)
      expect(flag).toMatchObject({ mode: 'capturing', inWindow: true })
      const lasts = (flag?.captureUntil?.getTime() ?? 0) - Date.now()
      expect(lasts).toBeGreaterThan(windowMs - 30_000)
      expect(lasts).toBeLessThan(windowMs + 30_000)
    }
  })

  test('without a window the end that opens has no flag left', async () => {
    for (const captureMs of [null, undefined]) {
      const actor = await begin(flags(), newActor(newTenant()))
      await flags().claimTarget({ ...claimOf(actor), captureMs })
      expect(await flags().openReceived(holdOf(actor))).toBe(true)
      expect(await read(actor.tenant)).toBeNull()
    }
  })

  test('an end that has opened is not closed again by the claim that came late', async () => {
    const actor = await begin(flags(), newActor(newTenant()))
    await flags().claimTarget(claimOf(actor))
    await flags().openReceived(holdOf(actor))
    expect(await flags().claimTarget(claimOf(actor))).toBeNull()
    expect(await at.write(actor.tenant)).toBe(true)
  })

  test('rows are ours where the end was found empty, or was left by the tenant', async () => {
    const actor = await begin(flags(), newActor(newTenant()))
    expect(await flags().claimTarget(claimOf(actor))).toMatchObject({ rowsAreOurs: false })
    expect(await flags().markRowsOurs(holdOf(actor))).toBe(true)
    expect(await flags().claimTarget(claimOf(actor))).toMatchObject({ rowsAreOurs: true })
    const back = await bringTo(at, newTenant(), 'receiving, where it has lived')
    expect(await read(back.tenant)).toMatchObject({ rowsAreOurs: true, movedTo: 'elsewhere' })
  })

  test('a closed end opens for its key alone, and once', async () => {
    const claimed = await bringTo(at, newTenant(), 'receiving')
    const moved = await bringTo(at, newTenant(), 'moved')
    const key = randomUUID()
    await flags().letOpen({ ...holdOf(moved), key })
    const keyed = [
      { tenant: claimed.tenant, key: claimed.epoch },
      { tenant: moved.tenant, key },
    ]
    expect(await flags().closedTenants({ scope })).toEqual(expect.arrayContaining(keyed))
    for (const { tenant, key } of keyed) {
      expect(await flags().openWith({ scope, tenant, key: randomUUID() })).toBe(false)
      expect(await at.write(tenant)).toBe(false)
      expect(await flags().openWith({ scope, tenant, key })).toBe(true)
      expect(await flags().openWith({ scope, tenant, key })).toBe(false)
      expect(await at.write(tenant)).toBe(true)
    }
    const left = await flags().closedTenants({ scope })
    expect(left.filter(({ tenant }) => keyed.some((one) => one.tenant === tenant))).toEqual([])
  })

  test('an end names as given away what has moved under that epoch, and nothing else', async () => {
    const moved = await bringTo(at, newTenant(), 'moved')
    const fenced = await bringTo(at, newTenant(), 'read-only')
    const keyed = ({ tenant, epoch }: typeof moved) => ({ tenant, key: epoch })
    const closed = [keyed(moved), keyed(fenced), { tenant: newTenant(), key: moved.epoch }]
    expect(await flags().givenAway({ scope, closed })).toEqual([keyed(moved)])
    const other = [{ tenant: moved.tenant, key: randomUUID() }]
    expect(await flags().givenAway({ scope, closed: other })).toEqual([])
    expect(await flags().givenAway({ scope, closed: [] })).toEqual([])
  })

  test('of moves that raise at once one does', async () => {
    const tenant = newTenant()
    const raised = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const actor = await begin(flags(), newActor(tenant)).catch(() => null)
        return actor && (await flags().raiseFence(raiseOf(actor)))
      }),
    )
    const [only, ...more] = raised.filter((flag) => flag !== null)
    expect(more).toEqual([])
    expect(await read(tenant)).toMatchObject({ token: only?.token ?? '' })
  })

  test('no tenant is taken for another one, whatever their ids are made of', async () => {
    const closing = hostileTenants.filter((_, i) => i % 2 === 0)
    const ids = new Map(hostileTenants.map((tenant) => [tenant, newActor(tenant)]))
    const all = await Promise.all([...ids.values()].map((actor) => begin(flags(), actor)))
    const closed = all.filter(({ tenant }) => closing.includes(tenant))
    for (const actor of closed) expect(await flags().claimTarget(claimOf(actor))).not.toBeNull()
    for (const { tenant } of all) {
      expect([tenant, modeOf(await read(tenant))]).toEqual([
        tenant,
        closing.includes(tenant) ? 'receiving' : 'open',
      ])
      expect([tenant, await at.write(tenant)]).toEqual([tenant, !closing.includes(tenant)])
    }
    const listed = await flags().closedTenants({ scope })
    const keys = closed.map(({ tenant, epoch }) => ({ tenant, key: epoch }))
    expect(listed).toEqual(expect.arrayContaining(keys))
    for (const actor of closed) expect(await flags().openReceived(holdOf(actor))).toBe(true)
  })
})
