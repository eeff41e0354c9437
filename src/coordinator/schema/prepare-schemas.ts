/** Schemas of tenants that `init` makes at the target, by the plan's `prepare`. */
import type { Schemaless } from '../../checks/schema-kinds.ts'
import { sourcesAlone } from '../../checks/survey.ts'
import { type Ends, endsOf, type PlanEnds, type SqlEnd } from '../../ends/end.ts'
import {
  createBy,
  createLike,
  statementsLike,
} from '../../ends/postgres/template/prepare-schema.ts'
import { known } from '../../known.ts'
import type { Plan } from '../../plan/plan.ts'
import { ident } from '../../quote.ts'
import { knownTenants } from '../tenants.ts'

export interface Preparable {
  readonly tenant: string
  /** The ends as this tenant has them. */
  readonly ends: Ends
  readonly what: string
  readonly sql: string
  /** Harmless where the schema exists by now. */
  create(): Promise<unknown>
}

/** Lists the schemas to be made: those of the plan's tenants that are at the source. Reads only. */
export async function preparableSchemas(
  plan: Plan,
  ends: PlanEnds,
  without: readonly Schemaless[],
): Promise<Preparable[]> {
  const { prepare } = plan
  const lacking = without.find(({ end }) => end === 'target')?.tenants ?? []
  if (!prepare || lacking.length === 0) return []
  const tenants = await presentAtSource(plan, ends, lacking)
  if (tenants.length === 0) return []
  if (typeof prepare === 'function') {
    return tenants.map((tenant) => {
      const at = atTarget(ends, tenant)
      const sql = `-- the plan's \`prepare\` for schema ${ident(at.schema)}`
      const create = () => createBy(at.end, { tenant, schema: at.schema }, prepare)
      return { ...at.listed, what: `${at.what}, by the plan's \`prepare\``, sql, create }
    })
  }
  const { like } = prepare
  const statements = await statementsLike(known(ends.target.sql), like)
  return tenants.map((tenant) => {
    const at = atTarget(ends, tenant)
    const sql = `begin;\n${statements(at.schema).join(';\n')};\ncommit;`
    const create = () => createLike(at.end, { tenant, schema: at.schema }, like)
    return { ...at.listed, what: `${at.what}, like ${ident(like)}`, sql, create }
  })
}

function atTarget(ends: PlanEnds, tenant: string) {
  const own = endsOf(ends, tenant)
  const end: SqlEnd = known(own.target.sql)
  const what = `schema ${ident(end.schema)} at the target`
  return { end, schema: end.schema, what, listed: { tenant, ends: own } }
}

/** A tenant without rows, or without a schema, has nothing to move. */
async function presentAtSource(
  plan: Plan,
  ends: PlanEnds,
  tenants: readonly string[],
): Promise<readonly string[]> {
  const sources = await sourcesAlone(plan, ends)
  const all = await knownTenants({ plan, ends, sources }, tenants)
  return all.filter(({ hasRows }) => hasRows).map(({ tenant }) => tenant)
}
