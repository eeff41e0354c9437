/** Faults in the queue: the same job twice, one that somebody has edited, and those not added. */
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import type pg from 'pg'
import type { Move } from '../../src/control/database.ts'
import { aheadMax, feedText } from '../../src/control/fleet/next-moves.ts'
import type { Library } from '../../src/coordinator/rehome.ts'
import { jobIdOf } from '../../src/queue/jobs.ts'
import type { Random } from '../random.ts'
import { tenants } from '../tenants.ts'

export async function anyOpenMove({ control }: Library, random: Random): Promise<Move | null> {
  const query = control.db.selectFrom('moves').selectAll().where('open', '=', true)
  const moves = await query.orderBy('created_at').execute()
  return moves.length === 0 ? null : random.pick(moves)
}

function dataOf(move: Move): Record<string, string> {
  return { moveId: move.id, runId: move.run_id, tenantId: move.tenant_id }
}

/** Under its own name and under another one. Returns the tenant; null where no move is open. */
export async function addJobTwice(rehome: Library, random: Random): Promise<string | null> {
  const move = await anyOpenMove(rehome, random)
  if (!move) return null
  const queue = rehome.queues.byErrand[move.errand]
  for (const jobId of [jobIdOf(move), randomUUID()]) {
    await queue.add(move.errand, dataOf(move), { jobId })
  }
  return move.tenant_id
}

/** So that it names another tenant, or another move. */
export async function editJob(rehome: Library, random: Random): Promise<string | null> {
  const move = await anyOpenMove(rehome, random)
  const job = move && (await rehome.queues.byErrand[move.errand].getJob(jobIdOf(move)))
  if (!job) return null
  const edit = random.pick([{ tenantId: random.pick(tenants) }, { moveId: randomUUID() }])
  await job.updateData({ ...dataOf(move), ...edit })
  return move.tenant_id
}

export async function flushRedis(url: string): Promise<void> {
  const client = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null })
  client.on('error', () => {})
  try {
    await client.flushall()
  } finally {
    client.disconnect()
  }
}

const lead = `select pg_try_advisory_xact_lock(hashtextextended('rehome feeder', 0)) as leads`

/**
 * Leads the feeding of the queue for a while, and dies: before it has stored anything, or after it
 * has stored that moves have jobs and before it has added any. null: another one leads.
 */
export async function dieAsFeeder(
  control: pg.Pool,
  random: Random,
  leads: () => Promise<void>,
): Promise<string | null> {
  const client = await control.connect()
  try {
    await client.query('begin')
    if (!(await client.query(lead)).rows[0].leads) return null
    await leads()
    if (random.chance(0.3)) return 'before it has stored anything'
    const moves = (await client.query(feedText, [aheadMax, null])).rows
    await client.query('commit')
    return `with ${moves.length} jobs that were not added`
  } finally {
    client.release(true)
  }
}
