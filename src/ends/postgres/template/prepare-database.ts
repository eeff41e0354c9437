/** Makes the database of a tenant where there is none, or the tables of one that has none. */
import { RehomeError } from '../../../errors.ts'
import type { Prepare, Preparing } from '../../../plan/preparation.ts'
import { sqlStateOf, toRehomeError } from '../../../postgres.ts'
import { ident } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import { unlessGone } from '../tenant-schemas.ts'
import { failedPreparing } from './prepare-schema.ts'

/** Name of the tenant's database, as its URL spells it. */
function databaseOf({ address }: Pick<SqlEnd, 'address'>): string {
  return decodeURIComponent(address.slice(address.indexOf('/') + 1))
}

export function copyText(end: SqlEnd, template: string): string {
  return `create database ${ident(databaseOf(end))} template ${ident(template)}`
}

/**
 * Copies the template, a database of the same server, over a connection to it. false: the tenant's
 * database has tables. Throws PREFLIGHT_FAILED.
 */
export async function copyDatabase(end: SqlEnd, template: string): Promise<boolean> {
  if (await hasTables(end)) return false
  const pool = end.beside?.(template)
  try {
    await pool?.query(copyText(end, template))
    return true
  } catch (error) {
    const state = sqlStateOf(error) ?? ''
    // Another process may have made it meanwhile.
    if (state === '42P04' && (await hasTables(end))) return false
    const remedy = remedies[state]
    const where = `creating the ${end.name}'s database (${end.address}) like ${ident(template)}`
    const cause = toRehomeError(error, where)
    if (!remedy) throw cause
    throw new RehomeError('PREFLIGHT_FAILED', `${cause.message}: ${remedy}`, { cause: error })
  } finally {
    await pool?.end()
  }
}

const remedies: Readonly<Record<string, string>> = {
  '3D000': '`prepare.like` has to name a database of that server',
  '42501': 'grant CREATEDB to the role, which has to own the template or be able to copy it',
  '42P04': 'it has no tables: drop it, or make its tables',
  '55006': 'end the sessions that use the template',
}

/**
 * Calls the plan's function, whose statements run in the tenant's database, in one transaction from
 * the first one on: before that the function may create the database by its own means. false: the
 * database has tables. Throws PREFLIGHT_FAILED.
 */
export async function fillBy(end: SqlEnd, tenant: string, prepare: Prepare): Promise<boolean> {
  if (await hasTables(end)) return false
  const { schema } = end
  const database = databaseOf(end)
  const making = { tenant, schema, quotedSchema: ident(schema), database }
  const where = `the plan's \`prepare\` for database ${ident(database)}`
  await inLaterTransaction(end, (sql) => prepare({ ...making, sql })).catch((error: unknown) => {
    throw failedPreparing(error, where)
  })
  if (await hasTables(end)) return true
  const message = `${where} has made no table in schema ${ident(schema)}`
  throw new RehomeError('PREFLIGHT_FAILED', message, { tenant })
}

type RunSql = Preparing['sql']

/** The transaction begins with the first statement. */
async function inLaterTransaction(
  end: SqlEnd,
  work: (sql: RunSql) => Promise<unknown>,
): Promise<void> {
  const opened: { client?: ReturnType<typeof begin> } = {}
  let failed = true
  try {
    await work(async (text) => {
      opened.client ??= begin(end)
      return (await (await opened.client).query(text)).rows
    })
    await (await opened.client)?.query('commit')
    failed = false
  } finally {
    const client = await opened.client?.catch(() => null)
    client?.release(failed)
  }
}

/** `create table` without a schema is of the tenant's. Names are found in pg_catalog first. */
async function begin({ pool, schema, searchPath = [] }: SqlEnd) {
  const path = [schema, ...searchPath].map(ident).join(', ')
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(`set local search_path = ${path}`)
    return client
  } catch (error) {
    client.release(true)
    throw error
  }
}

/** A schema without tables is as none: in a new database it is there already. */
async function hasTables({ pool, schema }: SqlEnd): Promise<boolean> {
  const query = `select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relkind in ('r', 'p')) as there`
  return (await pool.query(query, [schema]).catch(unlessGone))?.rows[0].there === true
}
