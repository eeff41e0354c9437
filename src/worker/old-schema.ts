/**
 * A clean-up that has dropped the tenant's old schema, and died before that was stored: there is
 * nothing left to survey or to remove, so another attempt only settles the move.
 */
import { unlessAborted } from '../attempt/shard.ts'
import { settleMove } from '../control/moves.ts'
import { endsOfMove } from '../ends/move-ends.ts'
import { schemaExists } from '../ends/postgres/template/prepare-schema.ts'
import { oldEndOf } from '../stages/cleanup.ts'
import type { Claimed, Outcome } from './claimed.ts'
import { findPlan } from './plan-of-run.ts'

/** Looks for the schema alone: a person may have dropped it, too. */
export async function oldSchemaIsGone({ options, run, move, abort }: Claimed): Promise<boolean> {
  const entry = findPlan(options.plans, run)
  if (move.errand !== 'cleanup' || !entry?.plan.cleanup.drop) return false
  const { sql } = endsOfMove(entry.ends, move)[oldEndOf(move)]
  if (sql?.tenant === undefined || sql.isWholeDatabase) return false
  return !(await unlessAborted(schemaExists(sql.pool, sql.schema), abort.signal))
}

export async function settleGone({ options, move, token }: Claimed): Promise<Outcome> {
  const phase = 'cleaned'
  const evidence = { droppedSchema: true }
  const held = { id: move.id, token, attempt: move.attempt }
  const change = { phase, evidence, windowMs: 0 } as const
  if (!(await settleMove(options.control, held, change))) return { kind: 'nothing to do' }
  options.tell(`${phase} · the tenant's schema at the ${oldEndOf(move)} is gone already`)
  return { kind: 'settled', phase, evidence }
}
