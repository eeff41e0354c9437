import { holdOf, reportProgress, type Shard, type Stage, store } from '../attempt/shard.ts'
import { RehomeError } from '../errors.ts'
import { removeTenant } from './remove-tenant.ts'
import { leaveOldHome } from './resume.ts'

export const cleanup: Stage = {
  phase: 'cleanup',
  async run(shard) {
    await refuseOpenWindow(shard)
    const end = shard.move.fallback_phase === 'rolled_back' ? 'target' : 'source'
    const hold = holdOf(shard)
    const old = shard.ends[end]
    if (end === 'source') await leaveOldHome(shard)
    if (!(await old.flags.adopt({ ...hold, moveId: shard.move.id, mode: 'moved' }))) {
      // A move that was called off before its cutover has already taken its rows away.
      if (end === 'target') return
      const message = `the ${end} does not say that the tenant has moved away: nothing was removed`
      throw new RehomeError('NOT_MOVED', message)
    }
    const onBegin = () => store(shard, { cleanupBegun: true })
    const onBatch = (rows: number) => {
      shard.rowsCopied += rows
      reportProgress(shard)
    }
    const rows = await removeTenant(shard, end, { mode: 'moved', onBegin, onBatch })
    shard.evidence.cleanedRows = rows
    shard.tell(`removed ${rows} rows of the old copy at the ${end}`)
  },
}

/** The old copy is what the tenant would be brought back to. */
async function refuseOpenWindow(shard: Shard): Promise<void> {
  const flag = await shard.ends.target.flags.readFlag(holdOf(shard))
  if (flag?.moveId !== shard.move.id || !flag.inWindow) return
  const until = flag.captureUntil?.toISOString()
  const message = `the tenant may be brought back until ${until}: wait, or say \`rehome finalize\``
  throw new RehomeError('NOT_ALLOWED_NOW', message)
}
