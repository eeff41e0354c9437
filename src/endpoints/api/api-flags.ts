/**
 * The flags of an end that has none of its own: they stand in the control database, and the API is
 * told whenever the tenant is to be kept out, or let in.
 *
 * It is told to let in before the flag goes, and to keep out after it has come: whoever dies in
 * between leaves a flag, whose lease ends, and nobody is let in whom no flag knows of.
 */
import type { ApiFence } from '../../plan/endpoint.ts'
import type { Flag, FlagKey, Flags, Hold } from '../flags.ts'

export interface Tell {
  close(asked: Parameters<ApiFence['close']>[0]): Promise<void>
  open(asked: Parameters<ApiFence['open']>[0]): Promise<void>
}

/** What refused writers are told where a flag says nothing of it, in s. */
const retryAfterS = 5

export function apiFlags(flags: Flags, tell: Tell): Flags {
  const closing = async (key: FlagKey, leaseMs: number | null): Promise<void> => {
    const until = leaseMs === null ? null : new Date(Date.now() + leaseMs)
    await tell.close({ tenant: key.tenant, until, retryAfterS })
  }
  const closed = async (flag: Flag | null, key: FlagKey, leaseMs: number | null) => {
    if (flag) await closing(key, leaseMs)
    return flag
  }
  const opening = async (hold: Hold, work: () => Promise<boolean>): Promise<boolean> => {
    const flag = await flags.readFlag(hold)
    if (flag?.token === hold.token) await tell.open({ tenant: hold.tenant })
    return await work()
  }
  return {
    ...flags,
    raiseFence: async (raise) => closed(await flags.raiseFence(raise), raise, raise.leaseMs),
    claimTarget: async (claim) => closed(await flags.claimTarget(claim), claim, null),
    takeOver: async (change) => {
      const flag = await flags.takeOver(change)
      return await closed(flag, change, flag?.mode === 'read_only' ? change.leaseMs : null)
    },
    async renewLease(change) {
      const renewed = await flags.renewLease(change)
      if (renewed) await closing(change, change.leaseMs)
      return renewed
    },
    async markMoved(change) {
      // Before the commit: from it on nobody may be let in there any more, whatever dies.
      const flag = await flags.readFlag(change)
      if (flag?.token === change.token) await closing(change, null)
      return await flags.markMoved(change)
    },
    lowerFence: (hold) => opening(hold, () => flags.lowerFence(hold)),
    openReceived: (hold) => opening(hold, () => flags.openReceived(hold)),
    removeFlag: (change) => opening(change, () => flags.removeFlag(change)),
    async giveUpTarget(hold) {
      const flag = await flags.readFlag(hold)
      // Where the tenant has lived it stays closed.
      if (flag?.movedTo !== null) return await flags.giveUpTarget(hold)
      return await opening(hold, () => flags.giveUpTarget(hold))
    },
    async lowerLapsed(key) {
      const flag = await flags.readFlag(key)
      if (flag?.lapsed) await tell.open({ tenant: key.tenant })
      return await flags.lowerLapsed(key)
    },
    async openWith(opened) {
      const closedOnes = await flags.closedTenants({ scope: opened.scope })
      const ours = closedOnes.some(
        ({ tenant, key }) => tenant === opened.tenant && key === opened.key,
      )
      if (ours) await tell.open({ tenant: opened.tenant })
      return await flags.openWith(opened)
    },
  }
}
