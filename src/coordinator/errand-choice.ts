/**
 * Moves of a run for which an errand is asked. A run may have a million of them, so they are read
 * in pages, once to find out whether the request is right, and once to ask.
 */
import type { Asker } from '../control/ask.ts'
import type { Control, Run } from '../control/database.ts'
import {
  type BriefMove,
  briefMoves,
  type JudgedMove,
  judgedPages,
  type OnTenants,
} from '../control/run-moves.ts'
import { findRun } from '../control/runs/runs.ts'
import { type AskedErrand, termsOf } from '../errands.ts'
import { RehomeError } from '../errors.ts'
import { beforeCutover } from '../phases.ts'
import { type Condition, parseCondition } from '../plan/facts.ts'
import { toRehomeError } from '../postgres.ts'
import { type Choice, percentileOf, refuseBadChoice, refuseEmptyShare } from './choose.ts'
import { refuseUnknownFacts } from './tenant-facts.ts'
import { refuseBadId, show } from './tenants.ts'

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
  readonly onTenants?: OnTenants | undefined
}

interface Rule {
  readonly allowed: (move: BriefMove) => boolean
  /** The states in which it would be allowed. */
  readonly otherwise: string
}

export const rules: Readonly<Record<AskedErrand, Rule>> = {
  retry: {
    allowed: ({ open, phase }) => !open && phase === 'failed',
    otherwise: 'only a failed move can be retried',
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
  },
  /** Ends the rollback window: a rollback would lose what was written at the target since. */
  finalize: {
    allowed: ({ open, phase, errand, window_until: until }) =>
      (open ? termsOf(errand).yields : phase === 'moved') && until !== null,
    otherwise: 'only a moved tenant has a rollback window, and only until it was finalized',
  },
  cleanup: {
    allowed: ({ open, phase, window_until: until }) =>
      !open && (phase === 'moved' || phase === 'rolled_back') && !(until && until > new Date()),
    otherwise:
      'only the old copy of a moved or rolled back tenant can be removed, once its rollback window ' +
      'is over: at its end, or after `rehome finalize`',
  },
}

export interface ChosenPage {
  readonly moves: readonly BriefMove[]
  readonly passedOver: readonly BriefMove[]
}

export interface ErrandChoice {
  readonly run: Run
  /** The request names its tenants: none of them is passed over without a word. */
  readonly isStrict: boolean
  /**
   * Reads all once, and calls back with each page. Throws USAGE, TENANT_UNKNOWN, or NOT_ALLOWED_NOW
   * for a tenant that is named.
   */
  readonly survey: (onPage: (page: ChosenPage) => void) => Promise<void>
  /** In the order of their tenants, as they stand when they are read. */
  readonly pages: () => AsyncGenerator<ChosenPage>
}

/** Throws RUN_UNKNOWN, TENANT_UNKNOWN, TENANT_ID_INVALID, USAGE or NOT_ALLOWED_NOW. */
export async function chosenFor(
  control: Control,
  errand: AskedErrand,
  options: ErrandOptions & { readonly runId: string },
): Promise<ErrandChoice> {
  refuseBadChoice(options)
  const run = await knownRun(control, options.runId)
  const { tenants, where, wave } = options
  if (tenants) await knownTenants(control, run.id, tenants)
  refuseRehearsal(errand, run)
  refuseBadWave(run, wave)
  const all = options.all || (errand === 'retry' && tenants === undefined)
  const some = { runId: run.id, tenants: all ? tenants : (tenants ?? []), wave }
  const condition = where === undefined ? null : parseCondition(where)
  const isStrict = !all
  const filter = new Filter(options, condition)
  async function* pages(note?: Filter) {
    let left = options.limit ?? Number.POSITIVE_INFINITY
    for await (const page of judgedPages(control, some, { hasFacts: condition !== null })) {
      note?.add(page)
      const share = page.filter((move) => filter.isChosen(move))
      const allowed = share.filter((move) => isAllowed(errand, move, options))
      const moves = allowed.slice(0, left)
      left -= moves.length
      const passedOver = share.filter((move) => !allowed.includes(move))
      if (isStrict) refuseOthers(errand, { moves, passedOver })
      yield { moves, passedOver }
    }
  }
  return {
    run,
    isStrict,
    pages,
    async survey(onPage) {
      let spared: BriefMove | undefined
      let count = 0
      for await (const page of pages(filter)) {
        spared ??= page.passedOver[0]
        count += page.moves.length
        onPage(page)
      }
      filter.refuse()
      if (isStrict && spared && count === 0) throw nothingToRollBack(spared)
    },
  }
}

/** Takes moves by share and facts, and finds out whether the choice can be meant so. */
class Filter {
  readonly #options: Choice
  readonly #condition: Condition | null
  readonly #names = new Set(['rows', 'phase'])
  #all = 0
  #chosen = 0
  #least: number | null = null

  constructor(options: Choice, condition: Condition | null) {
    this.#options = options
    this.#condition = condition
  }

  #holds({ facts, phase, rows }: JudgedMove): boolean {
    return this.#condition?.holds({ ...facts, phase, rows }) ?? true
  }

  isChosen(move: JudgedMove): boolean {
    const { percent } = this.#options
    return this.#holds(move) && (percent === undefined || percentileOf(move.tenant_id) < percent)
  }

  add(page: readonly JudgedMove[]): void {
    for (const move of page) {
      for (const name of Object.keys(move.facts)) this.#names.add(name)
      if (this.#options.percent === undefined || !this.#holds(move)) continue
      this.#all += 1
      this.#least = Math.min(this.#least ?? 100, percentileOf(move.tenant_id))
      if (this.isChosen(move)) this.#chosen += 1
    }
  }

  /** Throws USAGE or TENANT_UNKNOWN. */
  refuse(): void {
    refuseUnknownFacts(this.#condition?.facts ?? [], this.#names)
    refuseEmptyShare(this.#options, { all: this.#all, chosen: this.#chosen, least: this.#least })
  }
}

function isAllowed(
  errand: AskedErrand,
  move: BriefMove,
  { all, tenants }: Pick<ErrandOptions, 'all' | 'tenants'>,
): boolean {
  // Persons have decided about these, so another one has to ask for them.
  const { error_code: code } = move
  const isDecided = code === 'CANCELLED' || code === 'SKIPPED'
  const spares = errand === 'retry' && !all && tenants === undefined
  return rules[errand].allowed(move) && !(spares && isDecided)
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
function refuseOthers(errand: AskedErrand, { passedOver }: ChosenPage): void {
  const wrong = passedOver.find((move) => errand !== 'rollback' || !hasChangedNothing(move))
  if (wrong) throw notNow(wrong, rules[errand].otherwise)
}

/** A move stores its epoch before it closes the target, which is the first thing it changes. */
function hasChangedNothing({ open, phase, epoch }: BriefMove): boolean {
  return !open && phase === 'failed' && epoch === null
}

/** Adds to an error how many tenants were reached before it. */
export async function halfway<T>(
  reached: { readonly count: number },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { count } = reached
    if (count === 0) throw error
    const { code, message, retryable, data } = toRehomeError(error, 'the control database')
    const text = `${message}; ${count} tenant(s) had been asked for by then`
    throw new RehomeError(code, text, { cause: error, retryable, data: { ...data, asked: count } })
  }
}

export function nothingToRollBack(move: BriefMove): RehomeError {
  const why = `it had changed nothing at either end when it failed with ${move.error_code}`
  return notNow(move, `${why}, so there is nothing to roll back`)
}

export async function knownRun(control: Control, runId: string): Promise<Run> {
  const storable = !/[\0\p{Surrogate}]/u.test(runId)
  const run = storable && (await findRun(control, runId))
  if (run) return run
  throw new RehomeError('RUN_UNKNOWN', `run "${runId}" does not exist: see \`rehome status\``)
}

/** Throws TENANT_UNKNOWN or TENANT_ID_INVALID. Reads no evidence. */
export async function knownTenants(
  control: Control,
  runId: string,
  tenants: readonly string[],
): Promise<void> {
  for (const tenant of tenants) refuseBadId(tenant)
  const moves = await briefMoves(control, { runId, tenants })
  const present = new Set(moves.map((move) => move.tenant_id))
  const missing = tenants.find((tenant) => !present.has(tenant))
  if (missing === undefined) return
  throw new RehomeError('TENANT_UNKNOWN', `run "${runId}" has no tenant ${show(missing)}`)
}

type Standing = Pick<BriefMove, 'tenant_id' | 'open' | 'errand' | 'phase'>

export function notNow(move: Standing, otherwise: string): RehomeError {
  const busy = move.open ? `busy (${move.errand}: ${move.phase})` : move.phase
  const message = `tenant ${show(move.tenant_id)} is ${busy}: ${otherwise}`
  return new RehomeError('NOT_ALLOWED_NOW', message, { tenant: move.tenant_id })
}
