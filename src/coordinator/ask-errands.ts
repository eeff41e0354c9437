/** Retry, rollback and clean-up of single tenants: asked in the control database, then enqueued. */

import { askCleanup, askRetry, askRollback, askWindow } from '../control/ask.ts'
import type { Control, Move, Run } from '../control/database.ts'
import { movesOfRun } from '../control/moves.ts'
import { findRun } from '../control/runs.ts'
import { termsOf } from '../errands.ts'
import { messageOf, RehomeError } from '../errors.ts'
import { beforeCutover } from '../phases.ts'
import { ensureJob } from '../queue/jobs.ts'
import type { Queues } from '../queue/queues.ts'
import { refuseBadId, show } from './tenants.ts'

interface At {
  readonly control: Control
  readonly queues: Queues
}

export interface ErrandOptions {
  /** Default for retry: every failed one. Rollback and clean-up name theirs. */
  readonly tenants?: readonly string[] | undefined
  readonly by: string
  readonly dryRun?: boolean | undefined
}

/** Returns the tenants that are tried again. */
export async function retry(at: At, runId: string, options: ErrandOptions): Promise<string[]> {
  const { run, moves } = await chosen(at, runId, options.tenants)
  if (run.rehearsal) {
    const message = `run "${runId}" is a rehearsal: enqueue the plan to move its tenant`
    throw new RehomeError('NOT_ALLOWED_NOW', message)
  }
  const failed = options.tenants ? moves : moves.filter((m) => !m.open && m.phase === 'failed')
  return await askEach(
    at,
    { run, moves: failed, options },
    {
      allowed: ({ open, phase }) => !open && phase === 'failed',
      otherwise: 'only a failed move can be retried',
      ask: (move) => askRetry(at.control, move.id, options.by),
    },
  )
}

export interface RollbackOptions extends ErrandOptions {
  readonly discardWrites?: boolean | undefined
  /** Called for each tenant that is passed over, with a sentence that says why. */
  readonly onPassedOver?: ((tenant: string, reason: string) => void) | undefined
}

/**
 * Returns the tenants that are rolled back. A tenant whose move had changed nothing is where it
 * was: among others it is passed over. Where there are no others, NOT_ALLOWED_NOW says so.
 */
export async function rollback(at: At, runId: string, options: RollbackOptions): Promise<string[]> {
  const { run, moves } = await chosen(at, runId, options.tenants ?? [])
  const { by, discardWrites = false } = options
  const [untouched, others] = [moves.filter(hasChangedNothing), moves.filter(hasChangedSomething)]
  if (untouched[0] && others.length === 0) throw nothingToRollBack(untouched[0])
  const asked = await askEach(
    at,
    { run, moves: others, options },
    {
      allowed: ({ open, phase, errand, cleanup_begun: begun }) => {
        if (open ? termsOf(errand).yields : phase === 'moved') return !begun
        return open ? errand === 'move' && beforeCutover.includes(phase) : phase === 'failed'
      },
      otherwise:
        'it can be rolled back when it is failed, not cut over yet, or moved and no clean-up of its ' +
        'old copy has begun',
      ask: (move) => askRollback(at.control, move.id, { by, discardWrites }),
    },
  )
  for (const move of untouched) {
    options.onPassedOver?.(move.tenant_id, messageOf(nothingToRollBack(move)))
  }
  return asked
}

/** A move stores its epoch before it closes the target, which is the first thing it changes. */
function hasChangedNothing({ open, phase, epoch }: Move): boolean {
  return !open && phase === 'failed' && epoch === null
}

function hasChangedSomething(move: Move): boolean {
  return !hasChangedNothing(move)
}

function nothingToRollBack(move: Move): RehomeError {
  const why = `it had changed nothing at either end when it failed with ${move.error_code}`
  return notNow(move, `${why}, so there is nothing to roll back`)
}

export async function cleanup(at: At, runId: string, options: ErrandOptions): Promise<string[]> {
  const { run, moves } = await chosen(at, runId, options.tenants ?? [])
  return await askEach(
    at,
    { run, moves, options },
    {
      allowed: ({ open, phase, window_until: until }) =>
        !open && (phase === 'moved' || phase === 'rolled_back') && !(until && until > new Date()),
      otherwise:
        'only the old copy of a moved or rolled back tenant can be removed, once its rollback window ' +
        'is over: at its end, or after `rehome finalize`',
      ask: (move) => askCleanup(at.control, move.id, options.by),
    },
  )
}

/** Ends the rollback window: a rollback would lose what was written at the target since. */
export async function finalize(at: At, runId: string, options: ErrandOptions): Promise<string[]> {
  const { run, moves } = await chosen(at, runId, options.tenants ?? [])
  return await askEach(
    at,
    { run, moves, options },
    {
      allowed: ({ open, phase, errand, window_until: until }) =>
        (open ? termsOf(errand).yields : phase === 'moved') && until !== null,
      otherwise: 'only a moved tenant has a rollback window, and only until it was finalized',
      ask: (move) => askWindow(at.control, move.id, { errand: 'finalize', by: options.by }),
    },
  )
}

/** Asks for audits of these moves, unless another errand has begun with them. */
export async function audit(at: At, moves: readonly Move[], by: string): Promise<void> {
  for (const move of moves) {
    // Another run may be busy with the tenant: then this one can wait.
    const asked = await askWindow(at.control, move.id, { errand: 'audit', by }).catch(() => null)
    const run = asked && (await findRun(at.control, move.run_id))
    if (run) await ensureJob(at.queues, asked, { run })
  }
}

export async function knownRun(control: Control, runId: string): Promise<Run> {
  const storable = !/[\0\p{Surrogate}]/u.test(runId)
  const run = storable && (await findRun(control, runId))
  if (run) return run
  throw new RehomeError('RUN_UNKNOWN', `run "${runId}" does not exist: see \`rehome status\``)
}

/** Throws RUN_UNKNOWN, TENANT_UNKNOWN or TENANT_ID_INVALID before anything is asked. */
async function chosen(
  at: At,
  runId: string,
  tenants: readonly string[] | undefined,
): Promise<{ run: Run; moves: Move[] }> {
  for (const tenant of tenants ?? []) refuseBadId(tenant)
  const run = await knownRun(at.control, runId)
  const moves = await movesOfRun(at.control, runId, tenants)
  const missing = tenants?.find((tenant) => !moves.some((move) => move.tenant_id === tenant))
  if (missing !== undefined) {
    throw new RehomeError('TENANT_UNKNOWN', `run "${runId}" has no tenant ${show(missing)}`)
  }
  return { run, moves }
}

/** Refuses the whole request for one wrong tenant, as far as can be seen beforehand. */
async function askEach(
  at: At,
  work: { run: Run; moves: readonly Move[]; options: ErrandOptions },
  rule: {
    allowed: (move: Move) => boolean
    otherwise: string
    ask: (move: Move) => Promise<Move | null>
  },
): Promise<string[]> {
  const wrong = work.moves.find((move) => !rule.allowed(move))
  if (wrong) throw notNow(wrong, rule.otherwise)
  if (work.options.dryRun) return work.moves.map((move) => move.tenant_id)
  await at.queues.ready()
  for (const move of work.moves) {
    const asked = await rule.ask(move)
    if (!asked) throw notNow(move, rule.otherwise)
    await ensureJob(at.queues, asked, { run: work.run })
  }
  return work.moves.map((move) => move.tenant_id)
}

function notNow(move: Move, otherwise: string): RehomeError {
  const busy = move.open ? `busy (${move.errand}: ${move.phase})` : move.phase
  const message = `tenant ${show(move.tenant_id)} is ${busy}: ${otherwise}`
  return new RehomeError('NOT_ALLOWED_NOW', message, { tenant: move.tenant_id })
}
