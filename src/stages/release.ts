/** The target opens: the tenant's writes go on, at its new home. Repeating it is harmless. */

import { publishHome } from '../attempt/directory.ts'
import { holdOf, type Shard, type Stage, store } from '../attempt/shard.ts'
import { tellNewStrays } from '../attempt/strays.ts'
import { now, round } from '../clock.ts'
import { forgetCapture } from './capture.ts'

export const release: Stage = {
  phase: 'release',
  beginsUnstored: true,
  async run(shard) {
    await openTarget(shard)
    if (shard.pausedSince !== null) shard.evidence.pauseMs = round(now() - shard.pausedSince)
    await store(shard, { message: `${shard.ends.target.place} is the home now` })
    // The tenant is at home: what cannot be tidied up is no reason to try the release again.
    await forgetCapture(shard).catch((err: unknown) => shard.log.warn({ err }, 'the log stays'))
    await tellNewStrays(shard)
    await publishHome(shard, shard.ends.target)
  },
}

async function openTarget(shard: Shard): Promise<void> {
  const { flags } = shard.ends.target
  const hold = holdOf(shard)
  if (await flags.openReceived(hold)) return
  // An attempt before this one may have closed it under its own token, or opened it already.
  const mine = { ...hold, moveId: shard.move.id, mode: 'receiving' } as const
  if (await flags.adopt(mine)) await flags.openReceived(hold)
  const flag = await flags.readFlag(hold)
  shard.loggedUntil = flag?.captureUntil ?? null
  if (flag && flag.mode !== 'capturing')
    shard.log.warn({ mode: flag.mode }, 'the target is closed by something else')
}
