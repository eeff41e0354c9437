/** Tells what an errand does, how long writes pause, and what is lost, in sentences. Pure. */
import { z } from 'zod'
import type { Move, MoveEvent, Run } from '../../control/database.ts'
import { isCalledOff, keepsWrites } from '../../control/rollback-kinds.ts'
import type { AskedErrand } from '../../errands.ts'
import { number, span } from '../../numbers.ts'
import { readEvidence } from '../tenants/evidence.ts'

export interface Price {
  readonly sentences: readonly string[]
  /** Lost for good. */
  readonly losses: readonly string[]
  /** It is refused where writes would be lost, unless these are given up. */
  readonly mayDiscard: boolean
}

interface Facts {
  readonly run: Run
  readonly move: Move
  readonly events: readonly MoveEvent[]
  readonly now: Date
}

export function priceOf(errand: AskedErrand, facts: Facts): Price {
  return { retry, rollback, finalize, cleanup }[errand](facts)
}

const free = { losses: [], mayDiscard: false } as const

function retry({ run, move }: Facts): Price {
  const rows = Number(move.rows_total ?? 0)
  const again =
    rows > 0
      ? `The tenant's rows, ${number(rows)} when they were last counted, are copied and compared anew.`
      : `The tenant's rows are copied and compared anew.`
  const paused = pauseOf(move)
  return {
    ...free,
    sentences: [
      `The move starts from the beginning and gets all of its ${run.attempts} attempts again.`,
      again,
      `Its writes pause before the cutover; ${paused ?? 'how long is not known yet'}.`,
    ],
  }
}

function rollback(facts: Facts): Price {
  const { move, run, now } = facts
  const copied = number(Number(move.rows_copied))
  if (isCalledOff(move)) {
    return {
      ...free,
      sentences: [
        move.open
          ? `The move is called off. The tenant stays at the source, ${run.source}.`
          : `The tenant lives at the source, ${run.source}, and stays there.`,
        `Rows of this move at the target are removed: ${copied} were copied.`,
        'Its writes do not pause.',
      ],
    }
  }
  const paused = pauseOf(move) ?? 'how long is not known'
  if (keepsWrites(move, now)) {
    const { changes, oneWay } = takenAlong(move)
    return {
      losses: [],
      mayDiscard: true,
      sentences: [
        `The tenant returns to the source, ${run.source}, with what it has written since its cutover.`,
        changes,
        ...oneWay,
        `Its writes pause while the last changes come back; ${paused}.`,
        'The target stays closed for the tenant until it is moved there again.',
      ],
    }
  }
  const { writes } = readRest(move)
  return {
    losses: writes === null ? [] : [`${writes} written at the target since the cutover`],
    mayDiscard: true,
    sentences: [
      `The tenant returns to the source, ${run.source}, as it was at its cutover.`,
      'There is no rollback window: its writes pause while both ends are compared.',
      'If it has written since its cutover, the rollback is refused with the number of rows, unless ' +
        'you give these writes up.',
    ],
  }
}

function finalize({ move }: Facts): Price {
  const until = move.window_until?.toISOString()
  return {
    mayDiscard: false,
    sentences: [
      `The rollback window, which would end at ${until ?? 'an unknown time'}, ends now.`,
      'Writes do not pause. Afterwards the old copy can be removed.',
    ],
    losses: ['a rollback that keeps what was written since the cutover'],
  }
}

function cleanup({ move, run, events }: Facts): Price {
  const isMoved = move.phase === 'moved'
  const { tables } = readEvidence(move, events)
  const rows = tables.reduce((sum, table) => sum + ((isMoved ? table.read : table.written) ?? 0), 0)
  const [end, place] = isMoved ? ['source', run.source] : ['target', run.target]
  return {
    mayDiscard: false,
    sentences: [
      `The tenant's old copy at the ${end}, ${place}, is removed: ${number(rows)} rows when it was made.`,
      'Rows go in batches. Writes at its home do not pause.',
    ],
    losses: isMoved ? ['every rollback of this move', 'the old copy'] : ['the old copy'],
  }
}

function pauseOf(move: Move): string | null {
  return move.pause_ms === null ? null : `in its last attempt for ${span(move.pause_ms)}`
}

const table = z.object({ table: z.string(), reason: z.string() })

const shape = z.object({
  audit: z.object({ at: z.string(), changes: z.number() }).nullable().catch(null),
  writesSinceCutover: z.object({ rows: z.number() }).nullable().catch(null),
  oneWay: z.array(table).catch([]),
})

function readRest({ evidence }: Move) {
  const { audit, writesSinceCutover, oneWay } = shape.parse({
    audit: null,
    writesSinceCutover: null,
    oneWay: [],
    ...evidence,
  })
  const rows = writesSinceCutover?.rows
  return { audit, oneWay, writes: rows === undefined ? null : `${number(rows)} rows` }
}

/** Sentences on what the tenant takes along within its rollback window, and what not. */
export function takenAlong(move: Move): { readonly changes: string; readonly oneWay: string[] } {
  const { audit, oneWay } = readRest(move)
  return {
    changes:
      audit === null
        ? 'The way back has not been audited, so the number of these changes is not known.'
        : `The last audit, ${audit.at}, found ${number(audit.changes)} of these changes.`,
    oneWay: oneWay.map(
      ({ table: name, reason }) =>
        `What it has written to table "${name}" since cannot come back (${reason}): a rollback is ` +
        'refused then, unless all that it has written is given up.',
    ),
  }
}
