/** Reads what the types of a schema's columns consist of, and how their values are compared. */
import type { ClientBase } from 'pg'
import type { KeyOperators } from '../../../plan/catalogs/catalog.ts'
import type { TypeShape } from '../../../plan/catalogs/type-shape.ts'

export interface KnownType {
  readonly shape: TypeShape
  readonly operators: KeyOperators | null
  /** A value, or a part of it, is written to JSON by a cast of its type. */
  readonly castsToJson: boolean
  /** True for the row type of a table: it changes with that table, in any schema. */
  readonly isRowType: boolean
}

/** Types by their oid. A domain has the properties of the type below it. */
export type KnownTypes = ReadonlyMap<string, KnownType>

interface TypeRow {
  readonly oid: string
  readonly name: string
  readonly of: string | null
  readonly kind: string
  /** The type below it: a domain's base, an array's element, a range's subtype, or its range. */
  readonly part: string | null
  readonly labels: string[]
  readonly attributes: { name: string; type: string }[]
  readonly equal: string | null
  readonly greater: string | null
  readonly isRowType: boolean
  readonly castsToJson: boolean
}

/** The operator of a strategy of the class that is a type's default. */
const operator = (strategy: number) => `
  (select 'operator(' || pg_catalog.quote_ident(n.nspname) || '.' || o.oprname || ')'
   from pg_catalog.pg_amop p join pg_catalog.pg_operator o on o.oid = p.amopopr
   join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
   where p.amopfamily = k.family and p.amoplefttype = k.input and p.amoprighttype = k.input
     and p.amopstrategy = ${strategy})`

/**
 * The operator class that the server chooses: its own, that of its kind, or one that takes it as it
 * is.
 */
const defaultClass = `
  (select c.opcfamily as family, c.opcintype as input
   from pg_catalog.pg_opclass c join pg_catalog.pg_am m on m.oid = c.opcmethod
   join pg_catalog.pg_type i on i.oid = c.opcintype
   where m.amname = 'btree' and c.opcdefault and (c.opcintype = t.oid
     or i.typname = case when t.element then 'anyarray' else case t.typtype when 'e' then 'anyenum'
       when 'c' then 'record' when 'r' then 'anyrange' when 'm' then 'anymultirange' end end
     or exists (select from pg_catalog.pg_cast b where b.castsource = t.oid
       and b.casttarget = c.opcintype and b.castmethod = 'b' and b.castcontext = 'i'))
   order by c.opcintype = t.oid desc, i.typtype = 'p' desc, i.typispreferred desc, i.oid limit 1)`

/** PostgreSQL 13 has no multiranges. */
const rangeOf = `(pg_catalog.to_jsonb(g) ->> 'rngmultitypid')::pg_catalog.oid`

const typesQuery = `
  with recursive used (type) as (
    select distinct a.atttypid from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid
    where c.relnamespace = $1::pg_catalog.regnamespace and c.relkind in ('r', 'p')
      and not c.relispartition and a.attnum > 0 and not a.attisdropped
    union select pg_catalog.unnest($2::pg_catalog.oid[])
    union
    select p.part from used u join pg_catalog.pg_type t on t.oid = u.type, lateral (
      select t.typbasetype
      union all select t.typelem
      union all select g.rngsubtype from pg_catalog.pg_range g where g.rngtypid = t.oid
      union all select g.rngtypid from pg_catalog.pg_range g where ${rangeOf} = t.oid
      union all select a.atttypid from pg_catalog.pg_attribute a
        where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    ) p (part) where p.part <> 0)
  select t.oid::pg_catalog.int8::text as oid, t.typname as name, t.typtype as kind,
    case when n.nspname = 'pg_catalog' then n.nspname else (select 'extension ' || e.extname
      from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid
      where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid
        and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.deptype = 'e')
      end as of,
    case when t.element then t.typelem when t.typtype = 'd' then t.typbasetype
      when t.typtype = 'r' then (select g.rngsubtype from pg_catalog.pg_range g where g.rngtypid = t.oid)
      when t.typtype = 'm' then (select g.rngtypid from pg_catalog.pg_range g where ${rangeOf} = t.oid)
      end::pg_catalog.int8::text as part,
    array(select l.enumlabel::text from pg_catalog.pg_enum l where l.enumtypid = t.oid
      order by l.enumsortorder) as labels,
    coalesce((select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', a.attname,
        'type', a.atttypid::pg_catalog.int8::text) order by a.attnum)
      from pg_catalog.pg_attribute a where t.typtype = 'c' and a.attrelid = t.typrelid
        and a.attnum > 0 and not a.attisdropped), '[]') as attributes,
    ${operator(3)} as equal, ${operator(5)} as greater,
    exists (select from pg_catalog.pg_class c where c.oid = t.typrelid and c.relkind <> 'c')
      as "isRowType",
    exists (select from pg_catalog.pg_cast c where c.castsource = t.oid and c.castfunc <> 0
      and c.casttarget = 'pg_catalog.json'::pg_catalog.regtype and c.oid >= 16384) as "castsToJson"
  from (select t.*, t.typelem <> 0 and coalesce((select e.typarray = t.oid
      from pg_catalog.pg_type e where e.oid = t.typelem), false) as element
    from used u join pg_catalog.pg_type t on t.oid = u.type) t
  join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  left join lateral ${defaultClass} k on true`

/** `oids`: further types, beside those of the schema's columns. `schema` as SQL writes it. */
export async function readTypes(
  client: ClientBase,
  schema: string,
  oids: readonly string[] = [],
): Promise<KnownTypes> {
  const rows: TypeRow[] = (await client.query(typesQuery, [schema, oids])).rows
  const byOid = new Map(rows.map((row) => [row.oid, row]))
  return new Map(rows.map((row) => [row.oid, knownType(row, byOid)]))
}

function knownType(row: TypeRow, rows: ReadonlyMap<string, TypeRow>): KnownType {
  const { equal, greater } = baseOf(row, rows)
  const operators = equal && greater && hasOrder(row, rows) ? { equal, greater } : null
  const { isRowType } = row
  return { shape: shapeOf(row, rows), operators, isRowType, castsToJson: castsToJson(row, rows) }
}

function castsToJson(row: TypeRow, rows: ReadonlyMap<string, TypeRow>): boolean {
  return row.castsToJson || partsOf(row, rows).some((part) => castsToJson(part, rows))
}

function partsOf(row: TypeRow, rows: ReadonlyMap<string, TypeRow>): TypeRow[] {
  const parts = [row.part, ...row.attributes.map(({ type }) => type)]
  return parts.flatMap((oid) => rows.get(oid ?? '') ?? [])
}

/** An array has a class of its own, and no order where its elements have none: as of `json`. */
function hasOrder(row: TypeRow, rows: ReadonlyMap<string, TypeRow>): boolean {
  const base = baseOf(row, rows)
  return base.equal !== null && partsOf(base, rows).every((one) => hasOrder(one, rows))
}

function baseOf(row: TypeRow, rows: ReadonlyMap<string, TypeRow>): TypeRow {
  const below = row.kind === 'd' ? rows.get(row.part ?? '') : undefined
  return below ? baseOf(below, rows) : row
}

const kinds = { r: 'range', m: 'multirange' } as const

function shapeOf(row: TypeRow, rows: ReadonlyMap<string, TypeRow>): TypeShape {
  const { name, of, kind, labels } = row
  const part = rows.get(row.part ?? '')
  if (kind === 'd' && part) return shapeOf(part, rows)
  if (kind === 'e') return { kind: 'enum', name, labels }
  if ((kind === 'r' || kind === 'm') && part) return { kind: kinds[kind], of: shapeOf(part, rows) }
  if (kind === 'b' && part) return { kind: 'array', of: shapeOf(part, rows) }
  if (kind !== 'c') return { kind: 'scalar', name, of }
  const attributes = row.attributes.flatMap((attribute) => {
    const type = rows.get(attribute.type)
    return type ? [{ name: attribute.name, type: shapeOf(type, rows) }] : []
  })
  return { kind: 'composite', name, attributes }
}
