import { tablesAt } from '../attempt/planned-rows.ts'
import { holdOf, reportProgress, type Shard, type Stage, store } from '../attempt/shard.ts'
import type { Move } from '../control/database.ts'
import { dropSchema } from '../ends/postgres/template/drop-schema.ts'
import { RehomeError } from '../errors.ts'
import { removeTenant } from './remove-tenant.ts'
import { leaveOldHome } from './resume.ts'

export const cleanup: Stage = {
  phase: 'cleanup',
  isPaced: true,
  async run(shard) {
    await refuseOpenWindow(shard)
    const end = oldEndOf(shard.move)
    const hold = holdOf(shard)
    const old = shard.ends[end]
    if (end === 'source') await leaveOldHome(shard)
    if (!(await old.flags.adopt({ ...hold, moveId: shard.move.id, mode: 'moved' }))) {
      // A move that was called off before its cutover has already taken its rows away.
      if (end === 'target') return
      const message = `the flag at the ${end} is not that of a tenant that has moved away: nothing was removed`
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
    await dropOwnSchema(shard, end)
  },
}

/** The end that the tenant has left. */
export function oldEndOf(move: Pick<Move, 'fallback_phase'>): 'source' | 'target' {
  return move.fallback_phase === 'rolled_back' ? 'target' : 'source'
}

/** A schema that the plan would have dropped, and that stays, is evidence, and no failure. */
async function dropOwnSchema(shard: Shard, end: 'source' | 'target'): Promise<void> {
  const { sql } = shard.ends[end]
  if (!shard.plan.cleanup.drop || sql?.tenant === undefined || sql.isWholeDatabase) return
  const tables = tablesAt(shard, end).map(({ table }) => table.name)
  const guarded = shard.survey.guarded.filter((one) => one.end.name === end)
  const logs = guarded.flatMap(({ log, ...one }) =>
    log ? [{ scope: one.scope, schema: one.schema, table: one.table.name, log }] : [],
  )
  const reason = await dropSchema(sql, holdOf(shard), { tables, logs })
  shard.evidence.droppedSchema = reason === null
  if (reason !== null) shard.evidence.schemaKept = reason
  shard.tell(
    reason === null ? `dropped schema "${sql.schema}"` : `schema "${sql.schema}" stays: ${reason}`,
  )
}

/** The old copy is what the tenant would be brought back to. */
async function refuseOpenWindow(shard: Shard): Promise<void> {
  const flag = await shard.ends.target.flags.readFlag(holdOf(shard))
  if (flag?.moveId !== shard.move.id || !flag.inWindow) return
  const until = flag.captureUntil?.toISOString()
  const message = `the tenant may be brought back until ${until}: wait, or run \`rehome finalize\``
  throw new RehomeError('NOT_ALLOWED_NOW', message)
}
