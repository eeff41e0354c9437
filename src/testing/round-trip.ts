/** `rehome/testing`: what a plan's author tests his own transforms with. Needs `fast-check`. */
import { deepStrictEqual } from 'node:assert'
import fc from 'fast-check'
import type { TablePlan } from '../plan/plan.ts'
import { renamed } from '../plan/routing/columns.ts'
import { contradictionOf, tableOfStream } from '../plan/routing/inverted-streams.ts'
import type { StreamPlan } from '../plan/stream.ts'
import type { TransformContext } from '../plan/transform-context.ts'

export interface RoundTrip<Row> {
  /** Rows of the source, as its columns are called there. */
  readonly rows: fc.Arbitrary<Row>
  /** The transform's context. Default: tenant `acme`, no lookups. */
  readonly context?: Partial<TransformContext>
  /** Rows that are tried. Default 1,000. */
  readonly runs?: number
}

type Values = Record<string, unknown>

/**
 * Whatever a row is, its table's `invert` makes it again of what the `transform` has made of it:
 * then a rollback brings back what was written. Rows that the transform leaves out, and columns
 * that the plan drops, do not count. Throws with the smallest row that fast-check finds otherwise.
 */
export function expectRoundTrip<Row extends object>(
  plan: TablePlan | StreamPlan,
  { rows, context, runs = 1_000 }: RoundTrip<Row>,
): void {
  const { transform, invert, columns } = plan.kind === 'stream' ? asTable(plan) : plan
  if (!invert) throw new Error(`${plan.kind} "${plan.name}" has no \`invert\``)
  const fullContext = {
    tenantId: 'acme',
    scope: 'default',
    planName: 'test',
    lookups: {},
    ...context,
  }
  const holds = fc.property(rows, (row) => {
    const kept = keptOf(columns, Object.fromEntries(Object.entries(row)))
    // Transforms may change what they are given.
    const there = (transform ?? same)(structuredClone(renamedRow(columns, kept)), fullContext)
    if (there !== null) deepStrictEqual(invert(structuredClone(there), fullContext), kept)
  })
  fc.assert(holds, { numRuns: runs })
}

const same = (row: Values): Values => row

/** Only a stream from one table into one has an inverse; it is such a table. */
function asTable(stream: StreamPlan): TablePlan {
  const contradiction = contradictionOf(stream)
  if (contradiction) throw new Error(contradiction)
  return tableOfStream(stream)
}

type Columns = TablePlan['columns']

function keptOf(columns: Columns, row: Values): Values {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !columns.drop.includes(name)))
}

function renamedRow(columns: Columns, row: Values): Values {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [renamed({ columns }, name), value]),
  )
}
