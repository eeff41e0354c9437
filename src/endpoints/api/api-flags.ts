/**
 * The flags of an end that has none of its own: they stand in the control database, and the API is
 * told whenever the tenant is to be kept out, or let in.
 *
 * It is told to let in before the flag goes, and to keep out after it has come: whoever dies in
 * between leaves a flag, whose lease ends, and nobody is let in whom no flag knows of.
 */
import type { ApiFence } from '../../plan/endpoint.ts'
import type { Flag, FlagKey, Flags, Hold, Keyed } from '../flags.ts'

export interface Tell {
  close(asked: Parameters<ApiFence['close']>[0]): Promise<void>
  open(asked: Parameters<ApiFence['open']>[0]): Promise<void>
}

/** What refused writers are told where a flag says nothing of it, in s. */
const retryAfterS = 5

export function apiFlags(flags: Flags, tell: Tell): Flags {
  const close = ({ tenant }: FlagKey, forMs: number | null) =>
    tell.close({ tenant, forMs, retryAfterS })
  const closed = async (flag: Flag | null, key: FlagKey, forMs: number | null) => {
    if (flag) await close(key, forMs)
    return flag
  }
  /** Before the flag goes, if it is the one that is meant. */
  const opening = async (
    hold: Hold,
    modes: readonly Flag['mode'][],
    work: () => Promise<boolean>,
  ): Promise<boolean> => {
    const flag = await flags.readFlag(hold)
    const meant = flag?.token === hold.token && modes.includes(flag.mode)
    if (meant) await tell.open({ tenant: hold.tenant })
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
      if (renewed) await close(change, change.leaseMs)
      return renewed
    },
    async markMoved(change) {
      // Before the commit: from it on nobody may be let in there any more, whatever dies.
      const fence = await flags.readFlag(change)
      if (fence?.token !== change.token || fence.mode !== 'read_only') return null
      await close(change, null)
      const moved = await flags.markMoved(change)
      if (!moved && !(await flags.readFlag(change))) await tell.open({ tenant: change.tenant })
      return moved
    },
    lowerFence: (hold) => opening(hold, ['read_only', 'capturing'], () => flags.lowerFence(hold)),
    openReceived: (hold) => opening(hold, ['receiving'], () => flags.openReceived(hold)),
    removeFlag: (change) => opening(change, [change.mode], () => flags.removeFlag(change)),
    async giveUpTarget(hold) {
      const flag = await flags.readFlag(hold)
      // Where the tenant has lived it stays closed.
      const modes = flag?.movedTo === null ? (['receiving'] as const) : []
      return await opening(hold, modes, () => flags.giveUpTarget(hold))
    },
    async lowerLapsed(key) {
      const flag = await flags.readFlag(key)
      if (flag?.lapsed) await tell.open({ tenant: key.tenant })
      return await flags.lowerLapsed(key)
    },
    async openWith(opened) {
      if (await isKeyOf(flags, opened)) await tell.open({ tenant: opened.tenant })
      return await flags.openWith(opened)
    },
  }
}

async function isKeyOf(flags: Flags, { scope, tenant, key }: FlagKey & Keyed): Promise<boolean> {
  const closed = await flags.closedTenants({ scope })
  return closed.some((one) => one.tenant === tenant && one.key === key)
}
