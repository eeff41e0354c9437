/** Makes the schema of a tenant where it does not exist yet, in one transaction. */
import { firstFew, RehomeError } from '../../../errors.ts'
import type { Prepare } from '../../../plan/preparation.ts'
import { type Client, inTransaction, toRehomeError } from '../../../postgres.ts'
import { ident } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import { printsOf } from '../schema-prints.ts'
import { enterPlan, leavePlan } from '../search-path.ts'
import { readTemplate, unlikeableIn } from './template.ts'

interface Making {
  readonly tenant: string
  readonly schema: string
}

/** Reads only: the statements that `createLike` would run. Throws PREFLIGHT_FAILED. */
export async function statementsLike(
  end: SqlEnd,
  template: string,
): Promise<(schema: string) => string[]> {
  return await inTransaction(end.pool, async (client) => {
    await refuseUnlikeable(client, end, template)
    return await readTemplate(client, template)
  })
}

/** In one commit, and by one of those that make schemas at a time. false: there is a schema. */
async function unlessThere(
  { pool }: SqlEnd,
  schema: string,
  make: (client: Client) => Promise<void>,
): Promise<boolean> {
  return await inTransaction(pool, async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtext('rehome init'))`)
    if (await schemaExists(client, schema)) return false
    await make(client)
    return true
  })
}

/**
 * Makes a schema that is like the template. false: there is one. Throws PREFLIGHT_FAILED where the
 * template has what cannot be made anew, or the new schema would differ.
 */
export async function createLike(
  end: SqlEnd,
  { tenant, schema }: Making,
  template: string,
): Promise<boolean> {
  const created = unlessThere(end, schema, async (client) => {
    await refuseUnlikeable(client, end, template)
    const statements = await readTemplate(client, template)
    for (const statement of statements(schema)) await client.query(statement)
    await client.query(leavePlan)
    const pairs = [template, schema].map((name) => ({ name, tenant }))
    const prints = await printsOf(client, pairs, { guards: false, empty: true })
    if (prints.get(template) !== prints.get(schema)) throw unlike(schema, template)
  })
  return await created.catch((error: unknown) => {
    throw toRehomeError(error, `creating schema ${ident(schema)} like ${ident(template)}`)
  })
}

/** Calls the plan's function. false: there is a schema. Throws PREFLIGHT_FAILED. */
export async function createBy(
  end: SqlEnd,
  { tenant, schema }: Making,
  prepare: Prepare,
): Promise<boolean> {
  const created = unlessThere(end, schema, async (client) => {
    await client.query(enterPlan({ ...end, schema: 'public' }))
    const sql = async (text: string) => (await client.query(text)).rows
    await prepare({ tenant, schema, quotedSchema: ident(schema), sql })
  })
  const isNew = await created.catch((error: unknown) => {
    throw failedPreparing(error, `the plan's \`prepare\` for schema ${ident(schema)}`)
  })
  if (await schemaExists(end.pool, schema)) return isNew
  const message = `the plan's \`prepare\` has made no schema ${ident(schema)}`
  throw new RehomeError('PREFLIGHT_FAILED', message, { tenant })
}

/** Error for what the plan's function has thrown. */
export function failedPreparing(error: unknown, where: string): RehomeError {
  const cause = toRehomeError(error, where)
  if (cause.code !== 'UNEXPECTED') return cause
  return new RehomeError('PREFLIGHT_FAILED', `${where}: ${cause.message}`, { cause: error })
}

type Queries = Pick<Client, 'query'>

export async function schemaExists(db: Queries, schema: string): Promise<boolean> {
  const query = 'select exists (select from pg_namespace where nspname = $1) as there'
  return (await db.query(query, [schema])).rows[0].there
}

async function refuseUnlikeable(client: Client, end: SqlEnd, template: string): Promise<void> {
  if (!(await schemaExists(client, template))) {
    const message = `plan field \`prepare.like\`: there is no schema ${ident(template)} at the ${end.name}`
    throw new RehomeError('PREFLIGHT_FAILED', message)
  }
  const objects = await unlikeableIn(client, template)
  if (objects.length === 0) return
  const what = `schema ${ident(template)} has what \`prepare.like\` does not make anew: ${firstFew(objects)}`
  const message = `${what}: move it to another schema, or make schemas by a function, \`prepare: async (…) => …\``
  throw new RehomeError('PREFLIGHT_FAILED', message)
}

function unlike(schema: string, template: string): RehomeError {
  const what = `schema ${ident(schema)} would not be like ${ident(template)}`
  const message = `${what} (names of indexes, owners or privileges differ): make schemas by a function, \`prepare: async (…) => …\``
  return new RehomeError('PREFLIGHT_FAILED', message)
}
