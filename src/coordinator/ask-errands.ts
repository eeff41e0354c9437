/**
 * Retry, rollback, finalize and clean-up of chosen tenants of a run: asked for in the control
 * database, then enqueued.
 */

import { type Asker, askCleanup, askRetry, askRollback, askWindow } from '../control/ask.ts'
import type { Control, Move, Run } from '../control/database.ts'
import { type BriefMove, briefMoves } from '../control/run-moves.ts'
import { findRun } from '../control/runs/runs.ts'
import { type AskedErrand, askedErrands, termsOf } from '../errands.ts'
import { messageOf, RehomeError } from '../errors.ts'
import { recordOf } from '../known.ts'
import { inParallel } from '../parallel.ts'
import { beforeCutover } from '../phases.ts'
import { ensureJob } from '../queue/jobs.ts'
import type { Queues } from '../queue/queues.ts'
import { type Choice, refuseBadChoice, withinShare } from './choose.ts'
import { tenantsOfRunWhere } from './tenant-facts.ts'
import { refuseBadId, show } from './tenants.ts'

interface At {
  readonly control: Control
  readonly queues: Queues
}

export interface ErrandOptions extends Choice, Asker {
  /** Each of them has to be in a state in which the errand is allowed. */
  readonly tenants?: readonly string[] | undefined
  /**
   * Every tenant of the run, or of its share: those for which the errand is not allowed now are
   * passed over. Retry does so by default.
   */
  readonly all?: boolean | undefined
  /** Only tenants of this wave of the run. */
  readonly wave?: number | undefined
  readonly dryRun?: boolean | undefined
}

function askerOf({ by, reason }: ErrandOptions): Asker {
  return { by, reason }
}

export interface RollbackOptions extends ErrandOptions {
  readonly discardWrites?: boolean | undefined
  /** Called for each named tenant that is passed over, with the reason in a sentence. */
  readonly onPassedOver?: ((tenant: string, reason: string) => void) | undefined
}

interface Rule {
  readonly allowed: (move: BriefMove) => boolean
  /** The states in which it would be allowed. */
  readonly otherwise: string
  readonly ask: (
    control: Control,
    move: BriefMove,
    options: RollbackOptions,
  ) => Promise<Move | null>
}

const rules: Readonly<Record<AskedErrand, Rule>> = {
  retry: {
    allowed: ({ open, phase }) => !open && phase === 'failed',
    otherwise: 'only a failed move can be retried',
    ask: (control, { id }, options) => askRetry(control, id, askerOf(options)),
  },
  rollback: {
    allowed(move) {
      const { open, phase, errand, cleanup_begun: begun } = move
      if (hasChangedNothing(move)) return false
      if (open ? termsOf(errand).yields : phase === 'moved') return !begun
      return open ? errand === 'move' && beforeCutover.includes(phase) : phase === 'failed'
    },
    otherwise:
      'it can be rolled back when it is failed, not cut over yet, or moved and no clean-up of its ' +
      'old copy has begun',
    ask: (control, { id }, { discardWrites = false, ...options }) =>
      askRollback(control, id, { ...askerOf(options), discardWrites }),
  },
  /** Ends the rollback window: a rollback would lose what was written at the target since. */
  finalize: {
    allowed: ({ open, phase, errand, window_until: until }) =>
      (open ? termsOf(errand).yields : phase === 'moved') && until !== null,
    otherwise: 'only a moved tenant has a rollback window, and only until it was finalized',
    ask: (control, { id }, options) =>
      askWindow(control, id, { ...askerOf(options), errand: 'finalize' }),
  },
  cleanup: {
    allowed: ({ open, phase, window_until: until }) =>
      !open && (phase === 'moved' || phase === 'rolled_back') && !(until && until > new Date()),
    otherwise:
      'only the old copy of a moved or rolled back tenant can be removed, once its rollback window ' +
      'is over: at its end, or after `rehome finalize`',
    ask: (control, { id }, options) => askCleanup(control, id, askerOf(options)),
  },
}

type Asked<Options extends ErrandOptions = ErrandOptions> = Omit<Options, 'by'> & { by?: string }

/** A method for each errand that a person asks for. */
export interface Asking {
  /** Without tenants: every failed one. Returns the tenants that are tried again. */
  retry(runId: string, options?: Asked): Promise<string[]>
  /**
   * Returns the tenants that are rolled back. A tenant whose move had changed nothing is where it
   * was: among others it is passed over. Where there are no others, it is NOT_ALLOWED_NOW.
   */
  rollback(runId: string, options: Asked<RollbackOptions>): Promise<string[]>
  /** Ends the rollback window of moved tenants before its time. */
  finalize(runId: string, options: Asked): Promise<string[]>
  cleanup(runId: string, options: Asked): Promise<string[]>
}

export function askingOf({ by, ...at }: At & Pick<Asker, 'by'>): Asking {
  return recordOf(
    askedErrands,
    (errand) =>
      async (runId: string, options: Asked<RollbackOptions> = {}) =>
        await askFor(at, errand, { by, ...options, runId }),
  )
}

/** Returns the tenants for which the errand was asked. */
export async function askFor(
  at: At,
  errand: AskedErrand,
  options: RollbackOptions & { readonly runId: string },
): Promise<string[]> {
  const { run, moves } = await chosenFor(at.control, errand, options)
  if (options.dryRun || moves.length === 0) return moves.map((move) => move.tenant_id)
  const { otherwise, ask } = rules[errand]
  const accepted = new Set<string>()
  await at.queues.ready()
  await inParallel(moves, { limit: atOnce, signal }, async (move) => {
    const open = await ask(at.control, move, options)
    if (!open && options.tenants) throw notNow(move, otherwise)
    // Its state has changed since it was read.
    if (!open) return
    await ensureJob(at.queues, open, { run })
    accepted.add(move.tenant_id)
  })
  return moves.map((move) => move.tenant_id).filter((tenant) => accepted.has(tenant))
}

/** Half of the connections of a library's pool: others ask meanwhile. */
const atOnce = 4
const { signal } = new AbortController()

export interface ChosenMoves {
  readonly run: Run
  readonly moves: readonly BriefMove[]
  readonly passedOver: readonly BriefMove[]
}

/**
 * Moves of the run for which the errand would be asked now. Throws RUN_UNKNOWN, TENANT_UNKNOWN,
 * TENANT_ID_INVALID, USAGE, or NOT_ALLOWED_NOW for a tenant that is named.
 */
export async function chosenFor(
  control: Control,
  errand: AskedErrand,
  options: RollbackOptions & { readonly runId: string },
): Promise<ChosenMoves> {
  refuseBadChoice(options)
  const { tenants, limit } = options
  const all = options.all || (errand === 'retry' && tenants === undefined)
  const { run, moves } = await chosenTenants(
    control,
    options.runId,
    all ? tenants : (tenants ?? []),
  )
  refuseRehearsal(errand, run)
  refuseBadWave(run, options.wave)
  const inWave = ({ wave }: BriefMove) => options.wave === undefined || wave === options.wave
  const { where } = options
  const chosen = where === undefined ? null : await tenantsOfRunWhere(control, run.id, where)
  const isChosen = (move: BriefMove) => inWave(move) && chosen?.has(move.tenant_id) !== false
  const share = withinShare(moves.filter(isChosen), options, (move) => move.tenant_id)
  const { allowed: isAllowed } = rules[errand]
  // Persons have decided about these, so another one has to ask for them.
  const isDecided = ({ error_code: code }: BriefMove) => code === 'CANCELLED' || code === 'SKIPPED'
  const spared = errand === 'retry' && !options.all && tenants === undefined
  const allowed = (move: BriefMove) => isAllowed(move) && !(spared && isDecided(move))
  const open = share.filter(allowed).slice(0, limit)
  const passedOver = share.filter((move) => !allowed(move))
  if (!all) refuseOthers(errand, { open, passedOver }, options)
  return { run, moves: open, passedOver }
}

/** Throws USAGE where the run has no such wave. */
export function refuseBadWave({ id, wave_count: last }: Run, wave: number | undefined): void {
  if (wave === undefined || (wave >= 1 && wave <= last)) return
  throw new RehomeError('USAGE', `run "${id}" has no wave ${wave}: its last one is wave ${last}`)
}

function refuseRehearsal(errand: AskedErrand, run: Run): void {
  if (errand !== 'retry' || !run.rehearsal) return
  const message = `run "${run.id}" is a rehearsal: enqueue the plan to move its tenant`
  throw new RehomeError('NOT_ALLOWED_NOW', message)
}

/** One wrong tenant refuses the whole request, as far as can be seen beforehand. */
function refuseOthers(
  errand: AskedErrand,
  { open, passedOver }: Pick<ChosenMoves, 'passedOver'> & { open: readonly BriefMove[] },
  { onPassedOver }: RollbackOptions,
): void {
  const spares = (move: BriefMove) => errand === 'rollback' && hasChangedNothing(move)
  const wrong = passedOver.find((move) => !spares(move))
  if (wrong) throw notNow(wrong, rules[errand].otherwise)
  if (passedOver[0] && open.length === 0) throw nothingToRollBack(passedOver[0])
  for (const move of passedOver) {
    onPassedOver?.(move.tenant_id, messageOf(nothingToRollBack(move)))
  }
}

/** A move stores its epoch before it closes the target, which is the first thing it changes. */
function hasChangedNothing({ open, phase, epoch }: BriefMove): boolean {
  return !open && phase === 'failed' && epoch === null
}

function nothingToRollBack(move: BriefMove): RehomeError {
  const why = `it had changed nothing at either end when it failed with ${move.error_code}`
  return notNow(move, `${why}, so there is nothing to roll back`)
}

/** Asks for audits of these moves, unless another errand has begun with them. */
export async function audit(at: At, moves: readonly Move[], by: string): Promise<void> {
  for (const move of moves) {
    // Another run may be busy with the tenant: then this one can wait.
    const open = await askWindow(at.control, move.id, { errand: 'audit', by }).catch(() => null)
    const run = open && (await findRun(at.control, move.run_id))
    if (run) await ensureJob(at.queues, open, { run })
  }
}

export async function knownRun(control: Control, runId: string): Promise<Run> {
  const storable = !/[\0\p{Surrogate}]/u.test(runId)
  const run = storable && (await findRun(control, runId))
  if (run) return run
  throw new RehomeError('RUN_UNKNOWN', `run "${runId}" does not exist: see \`rehome status\``)
}

/** Throws RUN_UNKNOWN, TENANT_UNKNOWN or TENANT_ID_INVALID before anything is asked. */
async function chosenTenants(
  control: Control,
  runId: string,
  tenants: readonly string[] | undefined,
): Promise<{ run: Run; moves: BriefMove[] }> {
  for (const tenant of tenants ?? []) refuseBadId(tenant)
  const run = await knownRun(control, runId)
  const moves = await briefMoves(control, { runId, tenants })
  refuseMissing(runId, tenants ?? [], moves)
  return { run, moves }
}

/** Throws TENANT_UNKNOWN or TENANT_ID_INVALID. Reads no evidence. */
export async function knownTenants(
  control: Control,
  runId: string,
  tenants: readonly string[],
): Promise<void> {
  for (const tenant of tenants) refuseBadId(tenant)
  refuseMissing(runId, tenants, await briefMoves(control, { runId, tenants }))
}

function refuseMissing(
  runId: string,
  tenants: readonly string[],
  moves: readonly Pick<Move, 'tenant_id'>[],
): void {
  const present = new Set(moves.map((move) => move.tenant_id))
  const missing = tenants.find((tenant) => !present.has(tenant))
  if (missing === undefined) return
  throw new RehomeError('TENANT_UNKNOWN', `run "${runId}" has no tenant ${show(missing)}`)
}

type Standing = Pick<Move, 'tenant_id' | 'open' | 'errand' | 'phase'>

export function notNow(move: Standing, otherwise: string): RehomeError {
  const busy = move.open ? `busy (${move.errand}: ${move.phase})` : move.phase
  const message = `tenant ${show(move.tenant_id)} is ${busy}: ${otherwise}`
  return new RehomeError('NOT_ALLOWED_NOW', message, { tenant: move.tenant_id })
}
