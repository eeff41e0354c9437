// The last request to an existing API agrees with the flag that is kept for it, even if two
// attempts that look at one tenant come to the API in another order than to its flag.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiFlags } from '../../src/ends/api/api-flags.ts'
import type { Flags } from '../../src/ends/flags.ts'
import { flagsAt } from '../../src/ends/postgres/fence/flags-at.ts'
import {
  begin,
  claimOf,
  holdOf,
  lapse,
  longMs,
  newActor,
  newTenant,
  raiseOf,
} from '../helpers/ends/flag-states.ts'
import { openTestEnd, type TestEnd } from '../helpers/ends/kinds.ts'

let at: TestEnd
beforeAll(async () => {
  at = await openTestEnd('api')
})
afterAll(() => at[Symbol.asyncDispose]())

interface Meanwhile {
  /** Called once, when the API has received the request to keep the tenant out. */
  readonly closing?: () => Promise<unknown>
  /** Called once, before the API receives the request to let the tenant in. */
  readonly opening?: () => Promise<unknown>
}

/** The flags of somebody who is slow. */
function slowFlags({ closing, opening }: Meanwhile): Flags {
  const { tell, keptAs } = at.api ?? fail()
  const waiting = { closing, opening }
  const pass = async (moment: keyof Meanwhile) => {
    const work = waiting[moment]
    waiting[moment] = undefined
    await work?.()
  }
  return apiFlags(flagsAt(at.flagDatabase.pool, keptAs), {
    async close(asked) {
      await tell.close(asked)
      await pass('closing')
    },
    async open(asked) {
      await pass('opening')
      await tell.open(asked)
    },
  })
}

function fail(): never {
  throw new Error('this end is no API')
}

/** Raises a fence that has lapsed by the time this returns. */
async function lapsedFence() {
  const { flags } = at.end
  const actor = await begin(flags, newActor(newTenant()))
  await flags.raiseFence(raiseOf(actor, 1))
  await lapse(at)
  return actor
}

test('a tenant that is cut over while the reaper takes its lapsed fence away stays out', async () => {
  const actor = await lapsedFence()
  const cutover = () => at.end.flags.markMoved({ ...holdOf(actor), movedTo: 'there' })
  expect(await slowFlags({ opening: cutover }).lowerLapsed(actor)).toBe(false)
  expect(await at.end.flags.readFlag(actor)).toMatchObject({ mode: 'moved' })
  expect(await at.write(actor.tenant)).toBe(false)
})

test('a fence that is renewed while the reaper takes it for lapsed keeps the tenant out', async () => {
  const actor = await lapsedFence()
  const renew = () => at.end.flags.renewLease({ ...holdOf(actor), leaseMs: longMs })
  expect(await slowFlags({ opening: renew }).lowerLapsed(actor)).toBe(false)
  expect(await at.write(actor.tenant)).toBe(false)
})

test('a fence that another attempt takes over while it is lowered keeps the tenant out', async () => {
  const { flags } = at.end
  const actor = await begin(flags, newActor(newTenant()))
  await flags.raiseFence(raiseOf(actor))
  const takeOver = async () => {
    const next = await begin(flags, { ...actor, token: newActor(actor.tenant).token })
    expect(await flags.takeOver({ ...next, leaseMs: longMs })).toMatchObject({ mode: 'read_only' })
  }
  expect(await slowFlags({ opening: takeOver }).lowerFence(holdOf(actor))).toBe(false)
  expect(await at.write(actor.tenant)).toBe(false)
})

test('an end that is claimed again while its key is shown keeps the tenant out', async () => {
  const { flags } = at.end
  const actor = await begin(flags, newActor(newTenant()))
  await flags.claimTarget(claimOf(actor))
  const { scope, tenant, epoch: key, moveId } = actor
  const claim = async () => {
    const next = await begin(flags, newActor(tenant, { moveId }))
    expect(await flags.claimTarget(claimOf(next))).toMatchObject({ mode: 'receiving' })
  }
  expect(await slowFlags({ opening: claim }).openWith({ scope, tenant, key })).toBe(false)
  expect(await at.write(tenant)).toBe(false)
})

test('a cutover that finds no fence lets no writer in that another fence keeps out by then', async () => {
  const actor = await lapsedFence()
  const { flags } = at.end
  const raise = async () => {
    const next = await begin(flags, newActor(actor.tenant))
    expect(await flags.raiseFence(raiseOf(next))).toMatchObject({ mode: 'read_only' })
  }
  // The fence goes when the cutover has looked for it.
  const late = slowFlags({ closing: () => flags.lowerLapsed(actor), opening: raise })
  expect(await late.markMoved({ ...holdOf(actor), movedTo: 'there' })).toBeNull()
  expect(await at.write(actor.tenant)).toBe(false)
})
