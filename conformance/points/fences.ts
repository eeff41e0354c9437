/** The fence of a tenant that is moved away, and its lease. */
import { randomUUID } from 'node:crypto'
import { expectMode, expectTokenRefused, expectUntouched, still } from '../flags.ts'
import { expectSame, type Point } from '../point.ts'
import { attempt, flagOf, lapsed, onScratch, raise } from '../scratch.ts'

export const fencePoints: readonly Point[] = [
  {
    name: 'fences.raise',
    says: 'raiseFence where there is no flag makes one, and tells it',
    needs: ['turns.take'],
    check: onScratch(async (end) => {
      const by = await attempt(end)
      const { epoch, moveId, hold } = by
      const of = { mode: 'read_only', token: hold.token, epoch, moveId }
      const wanted = { ...of, movedTo: null, rowsAreOurs: false }
      const raised = await raise(end, by)
      expectSame(still(raised), wanted, 'raiseFence')
      expectSame(raised?.lapsed, false, 'lapsed')
      expectSame(still(await flagOf(end)), wanted, 'readFlag')
    }),
  },
  {
    name: 'fences.again',
    says: 'the same move raises it again, by a later attempt and under another epoch too',
    needs: ['fences.raise'],
    check: onScratch(async (end) => {
      const by = await attempt(end)
      const first = await raise(end, by)
      expectSame(still(await raise(end, by)), still(first), 'the same once more')
      const later = await attempt(end, { moveId: by.moveId })
      const again = await raise(end, later)
      expectSame([again?.token, again?.epoch], [later.hold.token, later.epoch], 'the later one')
    }),
  },
  {
    name: 'fences.others',
    says: "another move's fence stays while its lease does",
    needs: ['fences.raise'],
    check: onScratch(async (end) => {
      await raise(end, await attempt(end))
      const other = await attempt(end)
      await expectUntouched(end, async () =>
        expectSame(await raise(end, other), null, 'raiseFence'),
      )
    }),
  },
  {
    name: 'fences.token',
    says: 'who has the turn, and not the token of the flag, changes nothing of it',
    needs: ['fences.raise'],
    check: onScratch(async (end) => {
      await raise(end, await attempt(end))
      await expectTokenRefused(end, await attempt(end))
    }),
  },
  {
    name: 'fences.take-over',
    says: 'takeOver requires move and epoch, keeps the epoch, and gives the flag a new token',
    needs: ['fences.raise'],
    check: onScratch(async (end) => {
      const before = await attempt(end)
      await raise(end, before)
      const { moveId, epoch } = before
      const { hold } = await attempt(end)
      const continued = { ...hold, moveId, epoch, leaseMs: 60_000 }
      await expectUntouched(end, async () => {
        const others = [{ epoch: randomUUID() }, { moveId: randomUUID() }]
        for (const other of others) {
          expectSame(await end.ask('takeOver', { ...continued, ...other }), null, 'takeOver')
        }
      })
      const taken = await end.ask('takeOver', continued)
      expectSame([taken?.token, taken?.epoch], [hold.token, epoch], 'token and epoch')
      expectSame((await end.ask('takeOver', continued))?.token, hold.token, 'the same once more')
    }),
  },
  {
    name: 'fences.adopt',
    says: 'adopt requires move and mode, and gives the flag a new token',
    needs: ['fences.raise'],
    check: onScratch(async (end) => {
      const before = await attempt(end)
      await raise(end, before)
      const { hold } = await attempt(end)
      const mine = { ...hold, moveId: before.moveId, mode: 'read_only' } as const
      await expectUntouched(end, async () => {
        expectSame(await end.ask('adopt', { ...mine, mode: 'moved' }), false, 'of another mode')
        const other = { ...mine, moveId: randomUUID() }
        expectSame(await end.ask('adopt', other), false, 'of another move')
      })
      expectSame(await end.ask('adopt', mine), true, 'adopt')
      expectSame((await flagOf(end))?.token, hold.token, 'token')
    }),
  },
  {
    name: 'fences.lower',
    says: 'lowerFence ends it, once',
    needs: ['fences.raise'],
    check: onScratch(async (end) => {
      const by = await attempt(end)
      await raise(end, by)
      expectSame(await end.ask('openReceived', by.hold), false, 'openReceived of a fence')
      expectSame(await end.ask('lowerFence', by.hold), true, 'lowerFence')
      await expectMode(end, null)
      expectSame(await end.ask('lowerFence', by.hold), false, 'the same once more')
    }),
  },
  {
    name: 'leases.renew',
    says: 'a lease is renewed until a writer has ended it, even after its time',
    needs: ['fences.raise'],
    check: onScratch(async (end) => {
      const by = await attempt(end)
      await raise(end, by, 1)
      await lapsed(end)
      const renewal = { ...by.hold, leaseMs: 60_000 }
      expectSame(await end.ask('renewLease', renewal), true, 'renewLease')
      expectSame((await flagOf(end))?.lapsed, false, 'lapsed')
      await end.ask('lowerFence', by.hold)
      expectSame(await end.ask('renewLease', renewal), false, 'without a flag')
      await expectMode(end, null)
    }),
  },
  {
    name: 'leases.lapse',
    says: 'what has lapsed is listed and lowered, and nothing else is',
    needs: ['fences.raise'],
    check: onScratch(async (end) => {
      const { scope, scratch: tenant } = end
      const by = await attempt(end)
      const isListed = async () => (await end.ask('lapsedFences', { scope })).includes(tenant)
      await raise(end, by)
      expectSame(await isListed(), false, 'lapsedFences before')
      expectSame(await end.ask('lowerLapsed', { scope, tenant }), false, 'lowerLapsed before')
      await raise(end, by, 1)
      await lapsed(end)
      expectSame(await isListed(), true, 'lapsedFences')
      expectSame(await end.ask('lowerLapsed', { scope, tenant }), true, 'lowerLapsed')
      await expectMode(end, null)
      expectSame(await end.ask('lowerLapsed', { scope, tenant }), false, 'the same once more')
    }),
  },
  {
    name: 'leases.taken',
    says: "another move's fence that has lapsed may be raised anew",
    needs: ['fences.others', 'leases.lapse'],
    check: onScratch(async (end) => {
      await raise(end, await attempt(end), 1)
      await lapsed(end)
      const other = await attempt(end)
      expectSame((await raise(end, other))?.moveId, other.moveId, 'the move')
    }),
  },
  {
    name: 'fences.drain',
    says: 'drain returns at once without writers',
    needs: ['fences.raise'],
    check: onScratch(async (end) => {
      await raise(end, await attempt(end))
      await end.ask('drain', { tenant: end.scratch, drainMs: 2_000 })
    }),
  },
]
