/**
 * The triggers that make a table ask rehome.guard(): SQL text, pure.
 *
 * They run after the statement, with transition tables, because a check for each row would double
 * the time of bulk writes. Statement triggers are not inherited by partitions, so every relation of
 * a partitioned table gets its own. ENABLE ALWAYS: session_replication_role does not switch them
 * off.
 */
import { createHash } from 'node:crypto'
import type { CatalogTable, CatalogTrigger } from '../../plan/catalog.ts'
import type { TenantPath } from '../../plan/tenant-path.ts'
import { ident, literal, qualified } from '../../quote.ts'
import { tenantJoin } from './predicate.ts'

export interface Guarded {
  readonly schema: string
  readonly table: CatalogTable
  readonly path: TenantPath
  readonly scope: string
  /** Rows of other planned tables find their tenant through this one. */
  readonly hasChildren: boolean
}

interface GuardTrigger {
  readonly name: string
  readonly event: string
  readonly body: string
  readonly functionName: string
}

/** Missing or changed triggers as statements, one list a relation; empty where nothing is to do. */
export function missingGuards(guarded: Guarded): { relation: string; statements: string[] }[] {
  return [guarded.table.name, ...guarded.table.partitions]
    .map((relation) => ({ relation, statements: statementsFor(guarded, relation) }))
    .filter(({ statements }) => statements.length > 0)
}

function statementsFor(guarded: Guarded, relation: string): string[] {
  return guardTriggers(guarded, relation)
    .filter((trigger) => !stands(guarded.table.triggers, relation, trigger))
    .flatMap((trigger) => installTrigger(guarded, relation, trigger))
}

function stands(
  triggers: readonly CatalogTrigger[],
  relation: string,
  wanted: GuardTrigger,
): boolean {
  const found = triggers.find((t) => t.relation === relation && t.name === wanted.name)
  return found?.always === true && found.body === wanted.body
}

function installTrigger(guarded: Guarded, relation: string, trigger: GuardTrigger): string[] {
  const name = qualified(guarded.schema, relation)
  const call = trigger.name === 'rehome_truncate' ? literal(guarded.scope) : ''
  const define =
    trigger.name === 'rehome_truncate'
      ? []
      : [
          `create or replace function rehome.${ident(trigger.functionName)}() returns trigger\n` +
            '  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp\n' +
            `  as ${dollarQuoted(trigger.body)}`,
          `revoke all on function rehome.${ident(trigger.functionName)}() from public`,
        ]
  return [
    ...define,
    `drop trigger if exists ${ident(trigger.name)} on ${name}`,
    `create trigger ${ident(trigger.name)} ${trigger.event.replace('$relation', () => name)}\n` +
      `  execute function rehome.${ident(trigger.functionName)}(${call})`,
    `alter table ${name} enable always trigger ${ident(trigger.name)}`,
  ]
}

function dollarQuoted(body: string): string {
  const tag = `$rehome_${createHash('md5').update(body).digest('hex').slice(0, 8)}$`
  return `${tag}${body}${tag}`
}

export const truncateBody = 'rehome.guard_truncate'

function guardTriggers(guarded: Guarded, relation: string): GuardTrigger[] {
  const key = `${guarded.schema}.${guarded.table.name}`
  const id = createHash('md5').update(`${guarded.scope}\u0000${key}`).digest('hex').slice(0, 12)
  const body = guardBody(guarded)
  const after = (event: string, tables: string) =>
    `after ${event} on $relation referencing ${tables} for each statement`
  const both = 'old table as old_rows new table as new_rows'
  const triggers = [
    { name: 'rehome_insert', event: after('insert', 'new table as new_rows') },
    { name: 'rehome_update', event: after('update', both) },
    { name: 'rehome_delete', event: after('delete', 'old table as old_rows') },
  ].map((trigger) => ({ ...trigger, body, functionName: `guard_${id}` }))
  const truncate = { name: 'rehome_truncate', body: truncateBody, functionName: 'guard_truncate' }
  const statementTriggers = [
    ...triggers,
    { ...truncate, event: 'before truncate on $relation for each statement' },
  ]
  const isRoot = relation === guarded.table.name
  return guarded.hasChildren && isRoot
    ? [...statementTriggers, childrenTrigger(guarded, id)]
    : statementTriggers
}

/**
 * Which tenants a statement touched, asked again after the lock where a parent tells the tenant.
 */
function guardBody({ schema, path, scope }: Guarded): string {
  const { joins, tenant, nearestParent } = tenantJoin(path, { schema, alias: 'r' })
  const collect = (rows: string) =>
    `(select array_agg(distinct ${tenant}) from ${rows} r${joins} where ${tenant} is not null)`
  const touched = (target: string) => `
  ${target} := null;
  if tg_op <> 'INSERT' then ${target} := ${collect('old_rows')}; end if;
  if tg_op <> 'DELETE' then ${target} := ${target} || ${collect('new_rows')}; end if;`
  const simple = `
declare
  touched text[];
begin${touched('touched')}
  if touched is not null then perform rehome.guard(${literal(scope)}, touched); end if;
  return null;
end `
  if (path.kind === 'column') return simple
  const orphan = path.columns.map((column) => `r.${ident(column)} is not null`).join(' and ')
  return `
declare
  touched text[];
  again text[];
begin${touched('touched')}
  if tg_op <> 'DELETE' and current_setting('transaction_isolation') not like 'read %' then
    if exists (select 1 from new_rows r${joins} where ${orphan} and ${nearestParent} is null) then
      raise exception 'the parent of a row is not visible to this transaction'
        using errcode = '40001', hint = 'rehome:parent';
    end if;
  end if;
  loop
    if touched is not null then perform rehome.guard(${literal(scope)}, touched); end if;${touched('again')}
    exit when again is null or again <@ touched;
    touched := touched || again;
  end loop;
  return null;
end `
}

/** Runs only where a row changes its tenant, or the parent that tells it. */
function childrenTrigger({ schema, path }: Guarded, id: string): GuardTrigger {
  const deciding = path.kind === 'column' ? [path.column] : path.columns
  const changed = deciding
    .map((column) => `old.${ident(column)} is distinct from new.${ident(column)}`)
    .join(' or ')
  const tenantOf = (row: string) => {
    const { joins, tenant } = tenantJoin(path, { schema, alias: 'r' })
    return `(select ${tenant} from (select (${row}).*) r${joins})`
  }
  const body = `
begin
  -- Whoever hangs on this row changes tenant with it.
  perform rehome.guard_children(array[${tenantOf('old')}, ${tenantOf('new')}]);
  return null;
end `
  return {
    name: 'rehome_children',
    event: `after update on $relation for each row when (${changed})`,
    body,
    functionName: `children_${id}`,
  }
}
