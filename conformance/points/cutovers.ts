/** The one commit after which the other end is the truth, and what is left of the tenant here. */
import { randomUUID } from 'node:crypto'
import { expectMode, expectUntouched } from '../flags.ts'
import { expectSame, expectThat, type Point } from '../point.ts'
import { type Attempt, attempt, flagOf, lapsed, onScratch, raise } from '../scratch.ts'
import type { Subject } from '../subject.ts'

const needs = ['fences.raise', 'fences.lower']

export const cutoverPoints: readonly Point[] = [
  {
    name: 'cutovers.moved',
    says: 'markMoved makes `moved` of a fence under its token, for good',
    needs,
    check: onScratch(async (end) => {
      const by = await attempt(end)
      await raise(end, by)
      const flag = await end.ask('markMoved', { ...by.hold, movedTo: 'elsewhere' })
      expectSame([flag?.mode, flag?.movedTo], ['moved', 'elsewhere'], 'markMoved')
      expectSame([flag?.epoch, flag?.lapsed], [by.epoch, false], 'epoch and lapsed')
      await expectUntouched(end, async () => {
        const again = await end.ask('markMoved', { ...by.hold, movedTo: 'nowhere' })
        expectSame(again, null, 'the same once more')
        expectSame(await raise(end, by), null, 'raiseFence')
        expectSame(await end.ask('lowerFence', by.hold), false, 'lowerFence')
        const renewal = { ...by.hold, leaseMs: 1 }
        expectSame(await end.ask('renewLease', renewal), false, 'renewLease')
      })
    }),
  },
  {
    name: 'cutovers.no-fence',
    says: 'without a fence there is no cutover',
    needs,
    check: onScratch(async (end) => {
      const by = await attempt(end)
      expectSame(await end.ask('markMoved', { ...by.hold, movedTo: 'x' }), null, 'markMoved')
      await raise(end, by)
      await end.ask('lowerFence', by.hold)
      expectSame(await end.ask('markMoved', { ...by.hold, movedTo: 'x' }), null, 'markMoved')
      await expectMode(end, null)
    }),
  },
  {
    name: 'cutovers.lapsed',
    says: 'a fence that has lapsed, and that no writer has ended, can still be cut over',
    needs: ['cutovers.moved', 'leases.lapse'],
    check: onScratch(async (end) => {
      const by = await attempt(end)
      await raise(end, by, 1)
      await lapsed(end)
      const flag = await end.ask('markMoved', { ...by.hold, movedTo: 'elsewhere' })
      expectSame(flag?.mode, 'moved', 'markMoved')
    }),
  },
  {
    name: 'cutovers.let-open',
    says: 'letOpen gives a moved end a key, and only who shows it opens the end, once',
    needs: ['cutovers.moved'],
    check: onScratch(async (end) => {
      const { scope, scratch: tenant } = end
      const { hold } = await moved(end)
      const key = randomUUID()
      const open = (shown: string) => end.ask('openWith', { scope, tenant, key: shown })
      expectSame(await open(key), false, 'openWith before')
      expectSame(await end.ask('letOpen', { ...hold, key }), true, 'letOpen')
      const closed = await end.ask('closedTenants', { scope })
      expectThat(
        closed.some((one) => one.tenant === tenant && one.key === key),
        () => 'closedTenants does not list it',
      )
      await expectUntouched(end, async () => {
        expectSame(await open(randomUUID()), false, 'openWith another key')
      })
      expectSame(await open(key), true, 'openWith')
      await expectMode(end, null)
      expectSame(await open(key), false, 'the same once more')
    }),
  },
  {
    name: 'cutovers.given-away',
    says: 'givenAway tells those whose flag is `moved` under the epoch that is shown',
    needs: ['cutovers.moved'],
    check: onScratch(async (end) => {
      const { scope, scratch: tenant } = end
      const by = await attempt(end)
      const ours = { tenant, key: by.epoch }
      const closed = [ours, { tenant, key: randomUUID() }]
      await raise(end, by)
      expectSame(await end.ask('givenAway', { scope, closed }), [], 'givenAway before')
      await end.ask('markMoved', { ...by.hold, movedTo: 'elsewhere' })
      const found = await end.ask('givenAway', { scope, closed })
      expectSame(
        found.map(({ tenant, key }) => ({ tenant, key })),
        [ours],
        'givenAway',
      )
      expectSame(await end.ask('givenAway', { scope, closed: [] }), [], 'of none')
    }),
  },
  {
    name: 'cutovers.remove',
    says: 'removeFlag removes the mode that is said, and no other',
    needs: ['cutovers.moved'],
    check: onScratch(async (end) => {
      const { hold } = await moved(end)
      await expectUntouched(end, async () => {
        for (const mode of ['read_only', 'receiving', 'capturing'] as const) {
          expectSame(await end.ask('removeFlag', { ...hold, mode }), false, mode)
        }
      })
      expectSame(await end.ask('removeFlag', { ...hold, mode: 'moved' }), true, 'moved')
      expectSame(await flagOf(end), null, 'the flag afterwards')
    }),
  },
]

async function moved(end: Subject): Promise<Attempt> {
  const by = await attempt(end)
  await raise(end, by)
  await end.ask('markMoved', { ...by.hold, movedTo: 'elsewhere' })
  return by
}
