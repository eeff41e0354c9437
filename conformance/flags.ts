/** Flags as points look at them, and all that an attempt might try on one that is not its own. */
import type { Flag } from '../src/ends/flags.ts'
import { expectSame } from './point.ts'
import { type Attempt, claim, flagOf, raise } from './scratch.ts'
import type { Subject } from './subject.ts'

/** Without what goes on with time. */
export function still(flag: Flag | null): unknown {
  if (flag === null) return null
  const { mode, token, epoch, moveId, movedTo, rowsAreOurs } = flag
  return { mode, token, epoch, moveId, movedTo, rowsAreOurs }
}

export async function expectMode(end: Subject, mode: Flag['mode'] | null): Promise<void> {
  expectSame((await flagOf(end))?.mode ?? null, mode, 'the flag afterwards')
}

/** Runs work that must change nothing, and checks that it has not. */
export async function expectUntouched(end: Subject, work: () => Promise<void>): Promise<void> {
  const before = still(await flagOf(end))
  await work()
  expectSame(still(await flagOf(end)), before, 'the flag afterwards')
}

const modes = ['capturing', 'read_only', 'receiving', 'moved'] as const

/** Checks every operation that requires the flag's token. */
export async function expectTokenRefused(end: Subject, { hold }: Attempt): Promise<void> {
  await expectUntouched(end, async () => {
    const answers = {
      renewLease: await end.ask('renewLease', { ...hold, leaseMs: 60_000 }),
      lowerFence: await end.ask('lowerFence', hold),
      openReceived: await end.ask('openReceived', hold),
      giveUpTarget: await end.ask('giveUpTarget', hold),
      markRowsOurs: await end.ask('markRowsOurs', hold),
      letOpen: await end.ask('letOpen', { ...hold, key: hold.token }),
      markMoved: await end.ask('markMoved', { ...hold, movedTo: 'nowhere' }),
    }
    for (const [name, answer] of Object.entries(answers)) {
      expectSame(answer, name === 'markMoved' ? null : false, name)
    }
    for (const mode of modes) {
      expectSame(await end.ask('removeFlag', { ...hold, mode }), false, `removeFlag of ${mode}`)
    }
  })
}

/** And everything else that an attempt does with a flag, whose turn is to have passed. */
export async function expectTurnRefused(end: Subject, by: Attempt): Promise<void> {
  await expectTokenRefused(end, by)
  const { hold, moveId, epoch } = by
  await expectUntouched(end, async () => {
    expectSame(await raise(end, by), null, 'raiseFence')
    expectSame(await claim(end, by, [moveId]), null, 'claimTarget')
    const continued = { ...hold, moveId, epoch, leaseMs: 60_000 }
    expectSame(await end.ask('takeOver', continued), null, 'takeOver')
    for (const mode of modes) {
      expectSame(await end.ask('adopt', { ...hold, moveId, mode }), false, `adopt of ${mode}`)
    }
  })
}
