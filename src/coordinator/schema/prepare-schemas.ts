/** Schemas and databases of tenants that `init` makes at the target, by the plan's `prepare`. */
import type { Schemaless } from '../../checks/schema-kinds.ts'
import { sourcesAlone } from '../../checks/survey.ts'
import { type Ends, endsOf, type PlanEnds, type SqlEnd } from '../../ends/end.ts'
import { copyDatabase, copyText, fillBy } from '../../ends/postgres/template/prepare-database.ts'
import {
  createBy,
  createLike,
  statementsLike,
} from '../../ends/postgres/template/prepare-schema.ts'
import { known } from '../../known.ts'
import type { Plan } from '../../plan/plan.ts'
import { type Pool, withClient } from '../../postgres.ts'
import { ident } from '../../quote.ts'
import { knownTenants } from '../tenants.ts'

export interface Preparable {
  readonly tenant: string
  /** The ends as this tenant has them. */
  readonly ends: Ends
  readonly what: string
  readonly sql: string
  /** Harmless where the schema, or the database with its tables, exists by now. */
  create(): Promise<unknown>
}

/**
 * Lists schemas, and databases, to be made: those of the plan's tenants that are at the source.
 * Reads only.
 */
export async function preparableSchemas(
  { plan, ends }: { readonly plan: Plan; readonly ends: PlanEnds },
  without: readonly Schemaless[],
  control: Pool,
): Promise<Preparable[]> {
  const { prepare } = plan
  const lacking = without.find(({ end }) => end === 'target')?.tenants ?? []
  if (!prepare || lacking.length === 0) return []
  const list: Preparable[] = []
  const statements = new Map<Pool, (schema: string) => string[]>()
  for (const tenant of await presentAtSource(plan, ends, lacking)) {
    const own = endsOf(ends, tenant)
    const end = known(own.target.sql)
    if (typeof prepare === 'object' && !end.isWholeDatabase && !statements.has(end.pool)) {
      statements.set(end.pool, await statementsLike(end, prepare.like))
    }
    const texts = statements.get(end.pool)?.(end.schema) ?? []
    const making = makingOf({ end, tenant, prepare, texts })
    list.push({ tenant, ends: own, ...making, create: () => alone(control, making.create) })
  }
  return list
}

/**
 * Lets one process at a time create: a copy of a database fails beside other sessions at its
 * template, and the plan's function is called once for a tenant. The lock is in the control
 * database, as that of the tenant need not exist. The end of its session lets go of it.
 */
async function alone(control: Pool, create: Preparable['create']): Promise<void> {
  await withClient(control, async (client) => {
    // A copy of a large template takes longer than others may wait for a lock.
    await client.query(
      `begin; set local lock_timeout = 0; select pg_advisory_xact_lock(hashtext('rehome prepare'))`,
    )
    await create()
    await client.query('commit')
  })
}

interface Making {
  readonly end: SqlEnd
  readonly tenant: string
  readonly prepare: NonNullable<Plan['prepare']>
  /** Statements for a schema like a template. */
  readonly texts: readonly string[]
}

function makingOf({ end, tenant, prepare, texts }: Making): Omit<Preparable, 'tenant' | 'ends'> {
  const { schema, isWholeDatabase, address } = end
  const name = isWholeDatabase ? `database ${address}` : `schema ${ident(schema)}`
  const what = `${name} at the target`
  if (typeof prepare === 'function') {
    const create = () =>
      isWholeDatabase ? fillBy(end, tenant, prepare) : createBy(end, { tenant, schema }, prepare)
    const sql = `-- the plan's \`prepare\` for ${name}`
    return { what: `${what}, by the plan's \`prepare\``, sql, create }
  }
  const { like } = prepare
  const create = () =>
    isWholeDatabase ? copyDatabase(end, like) : createLike(end, { tenant, schema }, like)
  const sql = isWholeDatabase ? `${copyText(end, like)};` : `begin;\n${texts.join(';\n')};\ncommit;`
  return { what: `${what}, like ${ident(like)}`, sql, create }
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
