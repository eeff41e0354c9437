/** Tenants whose changes are logged: flags that let writers in. */
import { randomUUID } from 'node:crypto'
import { expectFeed } from '../feed.ts'
import { expectMode, expectUntouched } from '../flags.ts'
import { expectSame, type Point } from '../point.ts'
import { attempt, claim, flagOf, onScratch, raise } from '../scratch.ts'

const said = { reason: 'conformance', retryAfterS: 1, leaseMs: 60_000 }

export const capturePoints: readonly Point[] = [
  {
    name: 'captures.start',
    says: 'startCapture makes `capturing`, under a lease, and only of an end without a flag of others',
    needs: ['fences.raise', 'fences.lower'],
    check: onScratch(async (end) => {
      await expectFeed(end)
      const by = await attempt(end)
      const of = { ...by.hold, moveId: by.moveId, epoch: by.epoch, ...said }
      const flag = await end.ask('startCapture', of)
      expectSame([flag?.mode, flag?.lapsed], ['capturing', false], 'startCapture')
      const again = await end.ask('startCapture', of)
      expectSame(again?.mode, 'capturing', 'the same once more')
      expectSame(await end.ask('renewLease', { ...by.hold, leaseMs: 60_000 }), true, 'renewLease')
      const next = await attempt(end)
      await expectUntouched(end, async () => {
        const theirs = { ...next.hold, moveId: next.moveId, epoch: next.epoch, ...said }
        expectSame(await end.ask('startCapture', theirs), null, "another move's")
        expectSame(await raise(end, next), null, "another move's fence")
      })
    }),
  },
  {
    name: 'captures.fence',
    says: 'fenceCaptured makes `read_only` of it, under its token and epoch, and lowerToCapture undoes that',
    needs: ['captures.start'],
    check: onScratch(async (end) => {
      const by = await attempt(end)
      const lease = { ...by.hold, leaseMs: 60_000 }
      const fence = { ...lease, epoch: by.epoch }
      expectSame(await end.ask('fenceCaptured', fence), null, 'fenceCaptured of nothing')
      await end.ask('startCapture', { ...fence, ...said, moveId: by.moveId })
      await expectUntouched(end, async () => {
        const other = { ...fence, epoch: randomUUID() }
        expectSame(await end.ask('fenceCaptured', other), null, 'of another epoch')
      })
      expectSame((await end.ask('fenceCaptured', fence))?.mode, 'read_only', 'fenceCaptured')
      expectSame((await end.ask('fenceCaptured', fence))?.mode, 'read_only', 'once more')
      expectSame(await end.ask('lowerToCapture', lease), true, 'lowerToCapture')
      await expectMode(end, 'capturing')
      expectSame(await end.ask('lowerFence', by.hold), true, 'lowerFence')
      await expectMode(end, null)
    }),
  },
  {
    name: 'captures.window',
    says: 'an end that is claimed with captureMs opens as `capturing`, and is adopted until its window ends',
    needs: ['captures.start', 'claims.claim'],
    check: onScratch(async (end) => {
      const by = await attempt(end)
      await claim(end, { ...by, captureMs: 60_000 })
      expectSame(await end.ask('openReceived', by.hold), true, 'openReceived')
      const flag = await flagOf(end)
      expectSame([flag?.mode, flag?.inWindow], ['capturing', true], 'the flag')
      expectSame(flag?.captureUntil instanceof Date, true, 'captureUntil')
      const later = await attempt(end, { moveId: by.moveId })
      const change = { ...later.hold, moveId: by.moveId, epoch: later.epoch, leaseMs: 60_000 }
      const others = { ...change, moveId: randomUUID() }
      expectSame(await end.ask('adoptCapture', others), false, "adoptCapture of another's")
      expectSame(await end.ask('adoptCapture', change), true, 'adoptCapture')
      expectSame((await flagOf(end))?.epoch, later.epoch, 'its epoch')
      expectSame(await end.ask('lowerFence', later.hold), true, 'lowerFence')
      await expectMode(end, 'capturing')
      const ended = { ...later.hold, moveId: by.moveId }
      expectSame(await end.ask('endCapture', ended), true, 'endCapture')
      await expectMode(end, null)
    }),
  },
]
