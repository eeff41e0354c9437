/** The end that is about to receive a tenant. */
import { randomUUID } from 'node:crypto'
import { expectMode, expectUntouched, still } from '../flags.ts'
import { expectSame, expectThat, type Point } from '../point.ts'
import { attempt, claim, flagOf, onScratch, raise } from '../scratch.ts'

export const claimPoints: readonly Point[] = [
  {
    name: 'claims.claim',
    says: 'claimTarget closes the end, and its epoch is the key that opens it',
    needs: ['turns.take'],
    check: onScratch(async (end) => {
      const { scope, scratch: tenant } = end
      const by = await attempt(end)
      const { epoch, moveId, hold } = by
      const of = { mode: 'receiving', token: hold.token, epoch, moveId }
      const claimed = await claim(end, by)
      expectSame(still(claimed), { ...of, movedTo: null, rowsAreOurs: false }, 'claimTarget')
      expectSame(claimed?.lapsed, false, 'lapsed')
      const closed = await end.ask('closedTenants', { scope })
      const isListed = closed.some((one) => one.tenant === tenant && one.key === epoch)
      expectThat(isListed, () => 'closedTenants does not list it with its epoch')
      const opened = await end.ask('openWith', { scope, tenant, key: epoch })
      expectSame(opened, true, 'openWith its epoch')
      await expectMode(end, null)
    }),
  },
  {
    name: 'claims.others',
    says: 'what another move has claimed is claimed again only by who knows that move',
    needs: ['claims.claim'],
    check: onScratch(async (end) => {
      const before = await attempt(end)
      await claim(end, before)
      const by = await attempt(end)
      await expectUntouched(end, async () => {
        expectSame(await claim(end, by, [randomUUID()]), null, 'claimTarget')
      })
      const claimed = await claim(end, by, [randomUUID(), before.moveId])
      const { epoch, moveId } = by
      expectSame([claimed?.moveId, claimed?.epoch], [moveId, epoch], 'move and epoch')
    }),
  },
  {
    name: 'claims.fenced',
    says: 'an end that is fenced cannot be claimed',
    needs: ['claims.claim', 'fences.raise'],
    check: onScratch(async (end) => {
      const by = await attempt(end)
      await raise(end, by)
      await expectUntouched(end, async () => {
        expectSame(await claim(end, by, [by.moveId]), null, 'claimTarget')
      })
    }),
  },
  {
    name: 'claims.fence',
    says: 'an end that is claimed cannot be fenced, and has no lease',
    needs: ['claims.claim', 'fences.raise'],
    check: onScratch(async (end) => {
      const by = await attempt(end)
      await claim(end, by)
      await expectUntouched(end, async () => {
        expectSame(await raise(end, by), null, 'raiseFence')
        const renewal = { ...by.hold, leaseMs: 1 }
        expectSame(await end.ask('renewLease', renewal), false, 'renewLease')
        expectSame(await end.ask('lowerFence', by.hold), false, 'lowerFence')
        const moved = await end.ask('markMoved', { ...by.hold, movedTo: 'x' })
        expectSame(moved, null, 'markMoved')
      })
    }),
  },
  {
    name: 'claims.ours',
    says: 'markRowsOurs is remembered, also by the next claim',
    needs: ['claims.others'],
    check: onScratch(async (end) => {
      const by = await attempt(end)
      await claim(end, by)
      expectSame(await end.ask('markRowsOurs', by.hold), true, 'markRowsOurs')
      expectSame((await flagOf(end))?.rowsAreOurs, true, 'rowsAreOurs')
      const next = await attempt(end)
      const claimed = await claim(end, next, [by.moveId])
      expectSame(claimed?.rowsAreOurs, true, 'rowsAreOurs of the next claim')
    }),
  },
  {
    name: 'claims.give-up',
    says: 'giveUpTarget opens an end where the tenant has never lived',
    needs: ['claims.claim'],
    check: onScratch(async (end) => {
      const by = await attempt(end)
      await claim(end, by)
      expectSame(await end.ask('giveUpTarget', by.hold), true, 'giveUpTarget')
      await expectMode(end, null)
      expectSame(await end.ask('giveUpTarget', by.hold), false, 'the same once more')
    }),
  },
  {
    name: 'claims.back',
    says: 'an end that the tenant has left is claimed as ours, and closed again when given up',
    needs: ['claims.claim', 'cutovers.moved'],
    check: onScratch(async (end) => {
      const by = await attempt(end)
      await raise(end, by)
      await end.ask('markMoved', { ...by.hold, movedTo: 'elsewhere' })
      const next = await attempt(end)
      expectSame(await claim(end, next), null, 'claimTarget by who does not know the move')
      const claimed = await claim(end, next, [by.moveId])
      const { mode, rowsAreOurs, movedTo } = claimed ?? {}
      expectSame([mode, rowsAreOurs, movedTo], ['receiving', true, 'elsewhere'], 'claimTarget')
      expectSame(await end.ask('giveUpTarget', next.hold), true, 'giveUpTarget')
      const flag = await flagOf(end)
      expectSame([flag?.mode, flag?.movedTo], ['moved', 'elsewhere'], 'the flag afterwards')
      const { scope, scratch: tenant } = end
      const closed = await end.ask('closedTenants', { scope })
      const isListed = closed.some((one) => one.tenant === tenant)
      expectThat(!isListed, () => 'a key opens it still')
    }),
  },
  {
    name: 'claims.open',
    says: 'openReceived opens the end under the token, once',
    needs: ['claims.claim'],
    check: onScratch(async (end) => {
      const by = await attempt(end)
      await claim(end, by)
      expectSame(await end.ask('openReceived', by.hold), true, 'openReceived')
      await expectMode(end, null)
      expectSame(await end.ask('openReceived', by.hold), false, 'the same once more')
    }),
  },
]
