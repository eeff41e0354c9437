import type { Command } from 'commander'
import type { SqlEnd } from '../ends/end.ts'
import { readCatalog } from '../ends/postgres/catalog/read-catalog.ts'
import { sampleNulls } from '../ends/postgres/catalog/sample-nulls.ts'
import { sampleTenantless } from '../ends/postgres/catalog/sample-tenantless.ts'
import { closeSqlEnd, openSqlEnd } from '../ends/postgres/postgres-end.ts'
import { RehomeError } from '../errors.ts'
import type { Catalog } from '../plan/catalogs/catalog.ts'
import { postgres } from '../plan/endpoint.ts'
import { classify } from '../plan/scaffold/classify.ts'
import { planText } from '../plan/scaffold/plan-text.ts'
import { typesToSample } from '../plan/scaffold/polymorphic.ts'
import { columnsToSample } from '../plan/scaffold/sampled-columns.ts'
import {
  candidateOf,
  clearCandidate,
  type TenantCandidate,
  tenantCandidates,
} from '../plan/scaffold/tenant-candidates.ts'
import { toRehomeError } from '../postgres.ts'
import { jsonText, print } from './context.ts'
import { step } from './next-steps.ts'

export function addScaffold(program: Command): void {
  program
    .command('scaffold')
    .description('print a plan that names each table of the source; changes nothing')
    .option('--source <variable>', "environment variable with the source's URL", 'SOURCE_URL')
    .option('--target <variable>', 'the same of the target, which is compared with the source')
    .option('--schema <name>', 'schema of the tables, at both ends', 'public')
    .option('--tenant-table <table>', 'the table with a row for each tenant (default: found out)')
    .option('--json', 'the classification of the tables as JSON, instead of the plan')
    .action(scaffold)
}

interface ScaffoldFlags {
  readonly source: string
  readonly target?: string
  readonly schema: string
  readonly tenantTable?: string
  readonly json?: boolean
}

async function scaffold(flags: ScaffoldFlags): Promise<void> {
  const { source: sourceFrom, target: targetFrom, schema } = flags
  const target = targetFrom === undefined ? undefined : await targetCatalog(targetFrom, schema)
  await withEnd('source', { urlFrom: sourceFrom, schema }, async (end) => {
    const source = await readCatalog(end.pool, end, [])
    const tenant = tenantOf(source, flags.tenantTable)
    const columns = columnsToSample(source, tenant)
    const sampled = { columns, types: typesToSample(source) }
    const sample = await sampleNulls(end.pool, schema, sampled)
    const tables = await sampleTenantless(end.pool, source, classify(source, tenant, sample))
    if (flags.json)
      return print(jsonText({ tenant, tables, nextSteps: [step('check', 'plan.ts')] }, 2))
    const ends = { source, target, sourceFrom, targetFrom: targetFrom ?? 'TARGET_URL' }
    process.stdout.write(planText({ ...ends, tenant, tables }))
  })
}

async function targetCatalog(urlFrom: string, schema: string): Promise<Catalog> {
  return await withEnd('target', { urlFrom, schema }, (end) => readCatalog(end.pool, end, []))
}

async function withEnd<T>(
  name: 'source' | 'target',
  { urlFrom, schema }: { urlFrom: string; schema: string },
  work: (end: SqlEnd) => Promise<T>,
): Promise<T> {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(urlFrom)) {
    const message = `--${name} takes the name of an environment variable, not the URL itself`
    throw new RehomeError('USAGE', message)
  }
  const end = openSqlEnd(name, postgres({ urlFrom, schema }), { environment: process.env })
  try {
    return await work(end)
  } catch (error) {
    throw toRehomeError(error, `the ${name} (${end.place})`)
  } finally {
    await closeSqlEnd(end)
  }
}

/** The table that was named, else the one that no other comes near. Throws USAGE. */
function tenantOf(source: Catalog, named: string | undefined): TenantCandidate {
  if (named !== undefined) {
    const table = source.tables.get(named)
    const candidate = table && candidateOf(source, table)
    if (candidate) return candidate
    const why = table
      ? 'has no primary key of one column that tells tenants apart (text, uuid or an integer)'
      : `does not exist in schema "${source.schema}" of the source`
    throw new RehomeError('USAGE', `--tenant-table "${named}" ${why}`)
  }
  const candidates = tenantCandidates(source)
  const clear = clearCandidate(candidates)
  if (clear) return clear
  const names = candidates.slice(0, 5).map(({ table, column, direct }) => {
    return `"${table ?? column}" (${direct} tables refer to it)`
  })
  const message =
    names.length === 0
      ? 'no table is referred to as a table of tenants would be'
      : `the tenants may be in ${names.join(', ')}`
  throw new RehomeError('USAGE', `${message}: name the table with --tenant-table`)
}
