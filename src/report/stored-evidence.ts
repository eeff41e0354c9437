/** The evidence that is stored with a move. What is missing there is null, or an empty list. */
import { z } from 'zod'
import { eachErrand } from '../errands.ts'

export interface TableReport {
  readonly table: string
  /** Rows read at the source and written at the target. null: not copied yet. */
  readonly read: number | null
  readonly written: number | null
  /** null: not compared. */
  readonly expected: number | null
  readonly found: number | null
  readonly differing: number | null
  readonly digest: string | null
  readonly equal: boolean | null
}

const end = z.object({
  place: z.string().catch(''),
  serverVersion: z.unknown().transform((version) => String(version ?? '')),
})
const count = z.number().nullable().catch(null)
const stray = z.object({
  table: z.string().catch(''),
  foreignKey: z.string().catch(''),
  rows: z.number().catch(0),
})
const comparison = z.object({
  table: z.string(),
  expected: count,
  found: count,
  differing: count,
  digest: z.string().nullable().catch(null),
  equal: z.boolean().nullable().catch(null),
  notCompared: z.array(z.string()).catch([]),
})
const shape = z.object({
  copied: z.record(z.string(), z.object({ read: count, written: count })).catch({}),
  verified: z
    .object({ hash: z.string().nullable().catch(null), tables: z.array(comparison).catch([]) })
    .catch({ hash: null, tables: [] }),
  quarantined: z
    .object({ tables: z.record(z.string(), z.number()).catch({}) })
    .catch({ tables: {} }),
  leftBehind: z.array(stray).catch([]),
  straysUnseen: z.union([z.boolean(), z.array(stray)]).catch(false),
  unproven: z.array(z.object({ where: z.string(), message: z.string() })).catch([]),
  invariants: z.array(z.string()).catch([]),
  source: end.nullable().catch(null),
  target: end.nullable().catch(null),
  pauseMs: count,
  rollbackPauseMs: count,
})

const whole = z.record(z.string(), z.unknown()).catch({})
const phaseTimes = z.record(z.string(), z.number()).optional().catch(undefined)

export interface Evidence extends z.infer<typeof shape> {
  /** Errand → phase → ms, of the errands that were carried out. */
  readonly phaseMs: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export function readEvidence(stored: unknown): Evidence {
  const all = whole.parse(stored)
  const times = Object.entries(eachErrand((errand) => phaseTimes.parse(all[`${errand}PhaseMs`])))
  const phaseMs = Object.fromEntries(times.flatMap(([errand, ms]) => (ms ? [[errand, ms]] : [])))
  return { ...shape.parse(all), phaseMs }
}

/** The database gives object keys back in an order of its own, but leaves lists as they are. */
export function tableNamesOf({ copied, verified }: Evidence): string[] {
  return [...new Set([...verified.tables.map(({ table }) => table), ...Object.keys(copied)])]
}

export function tablesOf(evidence: Evidence): TableReport[] {
  const { copied, verified } = evidence
  return tableNamesOf(evidence).map((table) => {
    const rows = copied[table]
    const comparison = verified.tables.find((one) => one.table === table)
    return {
      table,
      read: rows?.read ?? null,
      written: rows?.written ?? null,
      expected: comparison?.expected ?? null,
      found: comparison?.found ?? null,
      differing: comparison?.differing ?? null,
      digest: comparison?.digest || null,
      equal: comparison?.equal ?? null,
    }
  })
}
