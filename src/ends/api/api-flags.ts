/**
 * The flags of an end that has none of its own: they stand in the control database, and the API
 * gets a request whenever the tenant is to be kept out, or let in.
 *
 * The API lets writers in before the flag goes, and keeps them out after it has come. So a worker
 * that dies in between leaves a flag, whose lease ends, and no writer is let in without a flag that
 * knows of it. A flag that has not gone after all has the last word: the API may let writers in
 * when another attempt has raised, renewed or cut over meanwhile, and then keeps them out again.
 */
import type { ApiFence } from '../../plan/endpoint.ts'
import type { Flag, FlagKey, Flags, Hold, Keyed } from '../flags.ts'

export interface Tell {
  close(asked: Parameters<ApiFence['close']>[0]): Promise<void>
  open(asked: Parameters<ApiFence['open']>[0]): Promise<void>
}

/** The `Retry-After` of refused writers where a flag has none, in s. */
const retryAfterS = 5

export function apiFlags(flags: Flags, tell: Tell): Flags {
  const close = closing(tell)
  const { opening, openingOwn } = opener(flags, tell)
  const closed = async (flag: Flag | null, key: FlagKey, forMs: number | null) => {
    if (flag) await close(key, forMs)
    return flag
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
      // Before the commit: after it no writer may be let in there, whatever dies.
      const fence = await flags.readFlag(change)
      if (fence?.token !== change.token || fence.mode !== 'read_only') return null
      await close(change, null)
      const moved = await flags.markMoved(change)
      if (!moved && !(await flags.readFlag(change))) await opening(change, async () => false)
      return moved
    },
    lowerFence: (hold) =>
      openingOwn(hold, ['read_only', 'capturing'], () => flags.lowerFence(hold)),
    openReceived: (hold) => openingOwn(hold, ['receiving'], () => flags.openReceived(hold)),
    removeFlag: (change) => openingOwn(change, [change.mode], () => flags.removeFlag(change)),
    async giveUpTarget(hold) {
      const flag = await flags.readFlag(hold)
      // Where the tenant has lived it stays closed.
      const modes = flag?.movedTo === null ? (['receiving'] as const) : []
      return await openingOwn(hold, modes, () => flags.giveUpTarget(hold))
    },
    async lowerLapsed(key) {
      const lower = () => flags.lowerLapsed(key)
      return await ((await flags.readFlag(key))?.lapsed ? opening(key, lower) : lower())
    },
    async openWith(opened) {
      const open = () => flags.openWith(opened)
      return await ((await isKeyOf(flags, opened)) ? opening(opened, open) : open())
    },
  }
}

function closing(tell: Tell) {
  return ({ tenant }: FlagKey, forMs: number | null) => tell.close({ tenant, forMs, retryAfterS })
}

/** Tells the API to let in, before the flag goes. */
function opener(flags: Flags, tell: Tell) {
  /** A fence's lease is renewed by the attempt that has it, or ended by the reaper. */
  const closeAgain = async (key: FlagKey) => {
    const flag = await flags.readFlag(key)
    if (flag && flag.mode !== 'capturing') await closing(tell)(key, null)
  }
  const opening = async (key: FlagKey, work: () => Promise<boolean>): Promise<boolean> => {
    await tell.open({ tenant: key.tenant })
    const opened = await work()
    if (!opened) await closeAgain(key)
    return opened
  }
  return {
    opening,
    /** Only if the flag is the one that is meant. */
    async openingOwn(hold: Hold, modes: readonly Flag['mode'][], work: () => Promise<boolean>) {
      const flag = await flags.readFlag(hold)
      const meant = flag?.token === hold.token && modes.includes(flag.mode)
      return await (meant ? opening(hold, work) : work())
    },
  }
}

async function isKeyOf(flags: Flags, { scope, tenant, key }: FlagKey & Keyed): Promise<boolean> {
  const closed = await flags.closedTenants({ scope })
  return closed.some((one) => one.tenant === tenant && one.key === key)
}
