/** Faults in the queue: the same job twice, and a job that somebody has edited. */
import { randomUUID } from 'node:crypto'
import type { Move } from '../src/control/database.ts'
import type { Rehome } from '../src/coordinator/rehome.ts'
import { jobIdOf } from '../src/queue/jobs.ts'
import type { Random } from './random.ts'
import { tenants } from './tenants.ts'

export async function anyOpenMove({ control }: Rehome, random: Random): Promise<Move | null> {
  const query = control.db.selectFrom('moves').selectAll().where('open', '=', true)
  const moves = await query.orderBy('created_at').execute()
  return moves.length === 0 ? null : random.pick(moves)
}

function dataOf(move: Move): Record<string, string> {
  return { moveId: move.id, runId: move.run_id, tenantId: move.tenant_id }
}

/** Under its own name and under another one. Returns the tenant; null where no move is open. */
export async function addJobTwice(rehome: Rehome, random: Random): Promise<string | null> {
  const move = await anyOpenMove(rehome, random)
  if (!move) return null
  const queue = rehome.queues.byErrand[move.errand]
  for (const jobId of [jobIdOf(move), randomUUID()]) {
    await queue.add(move.errand, dataOf(move), { jobId })
  }
  return move.tenant_id
}

/** So that it names another tenant, or another move. */
export async function editJob(rehome: Rehome, random: Random): Promise<string | null> {
  const move = await anyOpenMove(rehome, random)
  const job = move && (await rehome.queues.byErrand[move.errand].getJob(jobIdOf(move)))
  if (!job) return null
  const edit = random.pick([{ tenantId: random.pick(tenants) }, { moveId: randomUUID() }])
  await job.updateData({ ...dataOf(move), ...edit })
  return move.tenant_id
}
