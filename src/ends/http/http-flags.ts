/** The flags of an end that is reached over HTTP: one request a transition. */
import type { Flags } from '../flags.ts'
import type { Asking } from './asking.ts'

export function httpFlags({ ask }: Asking): Flags {
  return {
    answer: async () => void (await ask('answer', {}, { once: true })),
    async takeTurn(change) {
      if (!(await ask('takeTurn', change))) return null
      const { scope, tenant } = change
      return { flag: await ask('readFlag', { scope, tenant }) }
    },
    readFlag: (key) => ask('readFlag', key),
    raiseFence: (raise) => ask('raiseFence', raise),
    startCapture: (raise) => ask('startCapture', raise),
    fenceCaptured: (raise) => ask('fenceCaptured', raise),
    lowerToCapture: (change) => ask('lowerToCapture', change),
    adoptCapture: (change) => ask('adoptCapture', change),
    endCapture: (change) => ask('endCapture', change),
    claimTarget: (claim) => ask('claimTarget', { ...claim, ours: [...claim.ours] }),
    markRowsOurs: (hold) => ask('markRowsOurs', hold),
    takeOver: (change) => ask('takeOver', change),
    adopt: (change) => ask('adopt', change),
    letOpen: (change) => ask('letOpen', change),
    renewLease: (change) => ask('renewLease', change),
    markMoved: (change) => ask('markMoved', change),
    lowerFence: (hold) => ask('lowerFence', hold),
    openReceived: (hold) => ask('openReceived', hold),
    removeFlag: (change) => ask('removeFlag', change),
    giveUpTarget: (hold) => ask('giveUpTarget', hold),
    lapsedFences: (of) => ask('lapsedFences', of),
    lowerLapsed: (key) => ask('lowerLapsed', key),
    closedTenants: (of) => ask('closedTenants', of),
    givenAway: ({ scope, closed }) => ask('givenAway', { scope, closed: [...closed] }),
    openWith: (opened) => ask('openWith', opened),
  }
}
