/** Owners and grants of a template as statements. */
import type { Client } from '../../../postgres.ts'
import { ident } from '../../../quote.ts'

interface Owned {
  readonly kind: 'schema' | 'table' | 'sequence' | 'type'
  readonly name: string
  readonly owner: string
  readonly ours: boolean
}

interface Grant extends Pick<Owned, 'kind' | 'name'> {
  readonly column: string | null
  readonly grantee: string | null
  readonly privilege: string
  readonly grantable: boolean
}

/** Objects with their owners and privileges: `o`. */
const objects = (of: string) => `(
  select 'schema' as kind, '' as name, n.nspowner as owner, n.nspacl as acl, null as "column"
    from pg_namespace n where n.oid = ${of}
  union all select case c.relkind when 'S' then 'sequence' else 'table' end, c.relname, c.relowner,
      c.relacl, null
    from pg_class c where c.relnamespace = ${of} and c.relkind in ('r', 'p', 'S')
  union all select 'type', t.typname, t.typowner, t.typacl, null
    from pg_type t where t.typnamespace = ${of} and t.typtype in ('e', 'd')
  union all select 'table', c.relname, c.relowner, a.attacl, a.attname
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relnamespace = ${of} and c.relkind in ('r', 'p') and a.attacl is not null) o`

/** Returns the statements for a schema of that name. */
export async function readGrants(
  client: Client,
  of: string,
): Promise<(schema: string) => string[]> {
  const owned = await client.query<Owned>(`
    select o.kind, o.name, pg_catalog.pg_get_userbyid(o.owner) as owner,
      pg_catalog.pg_get_userbyid(o.owner) = current_user as ours
    from ${objects(of)} where o."column" is null
      and not (o.kind = 'sequence' and exists (select from pg_depend d join pg_class c
        on c.oid = d.objid where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid and c.relnamespace = ${of}
        and c.relname = o.name and d.deptype in ('a', 'i')))
    order by o.kind, o.name`)
  const granted = await client.query<Grant>(`
    select o.kind, o.name, o."column", a.privilege_type as privilege, a.is_grantable as grantable,
      case when a.grantee <> 0 then pg_catalog.pg_get_userbyid(a.grantee) end as grantee
    from ${objects(of)}, pg_catalog.aclexplode(o.acl) with ordinality a
    where a.grantee <> o.owner
    order by o.kind, o.name, o."column" nulls first, a.ordinality`)
  const owners = owned.rows.filter(({ ours }) => !ours)
  return (schema) => {
    const texts = (isMeant: (one: Pick<Owned, 'kind'>) => boolean) => [
      ...owners.filter(isMeant).map((one) => ownerText(one, schema)),
      ...granted.rows.filter(isMeant).map((grant) => grantText(grant, schema)),
    ]
    // An owner of a table needs the right to create in its schema by then.
    return [...texts(({ kind }) => kind === 'schema'), ...texts(({ kind }) => kind !== 'schema')]
  }
}

function ownerText(one: Owned, schema: string): string {
  return `alter ${one.kind} ${nameOf(one, schema)} owner to ${ident(one.owner)}`
}

function nameOf({ kind, name }: Pick<Owned, 'kind' | 'name'>, schema: string): string {
  return ident(kind === 'schema' ? schema : name)
}

function grantText(grant: Grant, schema: string): string {
  const { kind, column, grantee, privilege, grantable } = grant
  const what = column === null ? privilege : `${privilege} (${ident(column)})`
  const to = grantee === null ? 'public' : ident(grantee)
  const option = grantable ? ' with grant option' : ''
  return `grant ${what} on ${kind} ${nameOf(grant, schema)} to ${to}${option}`
}
