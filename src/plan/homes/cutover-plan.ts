/**
 * How the application's own directory or router follows its tenants: SQL that is committed with the
 * cutover, and a function for whatever is in no database of the plan.
 */
import { z } from 'zod'
import { fn } from '../check-endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import type { OwnSchemas, OwnSchemasInput } from '../preparation.ts'
import type { SqlText } from '../sql-text.ts'

/** The end at which a tenant lives from now on. */
export interface Home {
  readonly end: 'source' | 'target'
  /** Its name in the plan's `ends`, where a function chooses it. */
  readonly name?: string | undefined
  /** `host:port/database`, or the address of an end over HTTP; without user or password. */
  readonly place: string
  /** The tenant's schema there. Absent: the end is reached over HTTP. */
  readonly schema?: string | undefined
}

export interface Moved {
  readonly tenant: string
  readonly home: Home
  /** Higher for each later call about the tenant, so that a router can refuse an older one. */
  readonly order: number
  /** Aborted when the attempt ends, or after 10 s. */
  readonly signal: AbortSignal
}

export interface CutoverPlan {
  /**
   * One SQL statement that stores the tenant's home in the application's directory. It may run more
   * than once.
   */
  readonly also?: ((tenant: string, home: Home) => SqlText) | undefined
  /**
   * The end whose database has the directory. Default `source`. There the statement is part of the
   * cutover's commit, or follows at once where the other end commits it.
   */
  readonly at?: 'source' | 'target' | 'both' | undefined
  /**
   * Called once the tenant can write at its home, by a rollback, too, and again until it resolves.
   */
  readonly onMoved?: ((moved: Moved) => Promise<unknown>) | undefined
}

/** Fields of a plan about the homes of its tenants. */
export interface Homes extends OwnSchemas {
  readonly cutover?: CutoverPlan | undefined
}

export interface HomesInput extends OwnSchemasInput {
  /** How the application's own directory or router follows a tenant. */
  readonly cutover?: CutoverPlan
}

export const cutoverPlan = z
  .strictObject({
    also: fn.optional(),
    at: z.enum(['source', 'target', 'both']).optional(),
    onMoved: fn.optional(),
  })
  .optional()

type EndName = 'source' | 'target'
type Fields = Pick<Homes, 'cutover'> & Partial<Record<EndName, Endpoint>>

/** The ends whose databases have the directory. */
export function directoriesOf({ cutover }: Pick<Homes, 'cutover'>): readonly EndName[] {
  if (!cutover?.also) return []
  const { at = 'source' } = cutover
  return at === 'both' ? ['source', 'target'] : [at]
}

export function contradictionsOfCutover(plan: Fields): string[] {
  const lacking = plan.cutover?.at && !plan.cutover.also
  const remote = directoriesOf(plan).filter((end) => plan[end] && plan[end].kind !== 'sql')
  return [
    ...(lacking ? ['plan field `cutover.at`: there is no `cutover.also` to run there'] : []),
    ...remote.map(
      (end) =>
        `plan field \`cutover.also\`: the ${end} is no database of the plan: use \`cutover.onMoved\``,
    ),
  ]
}
