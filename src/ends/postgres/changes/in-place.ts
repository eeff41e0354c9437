/**
 * Brings changed rows to an end at which our role may not switch foreign keys off: rows that are
 * there are updated where they stand, new ones inserted, parents first; rows that have gone are
 * removed, see leaving-rows.ts. Constraints that are deferrable wait until all of it is done. No
 * row changes that is not a changed row of the tenant.
 *
 * Two rows that exchange the values of a unique constraint cannot come one by one. Then the round
 * fails, and `check` has named the table.
 */
import { RehomeError } from '../../../errors.ts'
import { type Client, sqlStateOf } from '../../../postgres.ts'
import { ident, idents, literal, qualified } from '../../../quote.ts'
import type { RowMapper } from '../../../transform/transform-mapper.ts'
import { columnsEqual } from '../matching.ts'
import { tenantPredicate } from '../tenant-of-rows.ts'
import { type Bringing, changedAtTarget } from './brought-keys.ts'
import type { ChangedTable, Changes } from './changes.ts'
import { noteGone } from './gone-values.ts'
import { bringChanged } from './replace-rows.ts'

/** Rows of one table that have come, in a table of the transaction. */
export interface Staged {
  readonly table: ChangedTable
  readonly schema: string
  readonly place: number
  readonly came: string
  /** The columns that came. */
  readonly columns: readonly string[]
  readonly rows: number
}

/** Keys of the rows that a round may touch, in tables of the transaction, too. */
export interface Noted extends Staged {
  /** Changed rows that were the tenant's when the round began: no other row is changed. */
  readonly ours: string
  /** Those among them that have not come, and so go: see leaving-rows.ts. */
  readonly gone: string
  /** The number of these. */
  readonly going: number
}

const pgTemp = 'pg_temp'

/** Keys are checked when all has come, where they can wait for that. */
export async function deferKeys(target: Client): Promise<void> {
  await target.query('set constraints all deferred')
}

/** Throws what the keys that have waited find. */
export async function checkKeys(target: Client): Promise<void> {
  await target.query('set constraints all immediate')
}

/** Reads the rows that have changed at the other end. */
export async function stageChanged(
  bringing: Bringing,
  changes: Changes,
  work: { table: ChangedTable; schema: string; mapper: RowMapper; place: number },
): Promise<Staged> {
  const { table, schema, place } = work
  const { target } = table.route
  const came = `rehome_came_${place}`
  const stored = target.columns.filter(({ generated }) => !generated).map(({ name }) => name)
  await bringing.target.query(`create temp table ${ident(came)} on commit drop as
    select ${idents(stored)} from ${qualified(schema, target.name)} with no data`)
  const into = { schema: pgTemp, table: { ...target, name: came } }
  const { rows, columns } = await bringChanged(bringing, changes, { ...work, into })
  return { table, schema, place, came: qualified(pgTemp, came), columns, rows }
}

/**
 * Notes and locks rows before any changes: later a row may no longer be found as the tenant's, and
 * other rows may come to refer to it. `noted`: columns whose values are kept, see gone-values.ts.
 */
export async function noteOurs(
  { target }: Pick<Bringing, 'target'>,
  changes: Changes,
  { staged, noted }: { readonly staged: Staged; readonly noted: readonly string[] },
): Promise<Noted> {
  const { table, schema, came, place } = staged
  const { route } = table
  const predicate = tenantPredicate(route.targetPath, {
    schema,
    alias: 'r',
    tenant: changes.key.tenant,
  })
  const where = `${predicate} and ${changedAtTarget(changes, table)}`
  if (noted.length > 0) {
    await noteGone({ target }, changes, { table, schema, columns: noted, where })
  }
  const key = (alias: string) => route.targetKey.map((name) => `${alias}.${ident(name)}`).join(', ')
  const [ours, gone] = [`rehome_ours_${place}`, `rehome_gone_${place}`]
  await target.query(`create temp table ${ident(ours)} on commit drop as
    select ${key('r')} from ${qualified(schema, route.target.name)} r where ${where}
    for update of r`)
  const { rowCount } = await target.query(`create temp table ${ident(gone)} on commit drop as
    select ${key('o')}, false as rehome_held from ${qualified(pgTemp, ours)} o
    where not exists (select from ${came} s where ${isRow(staged, 'o', 's')})`)
  return {
    ...staged,
    ours: qualified(pgTemp, ours),
    gone: qualified(pgTemp, gone),
    going: rowCount ?? 0,
  }
}

/** Updates and inserts what has come. Throws ID_COLLISION. */
export async function placeStaged(target: Client, staged: Noted): Promise<void> {
  if (staged.rows === 0) return
  await target.query('savepoint before_rows')
  try {
    for (const statement of placing(staged, '')) await target.query(statement)
    await target.query('release savepoint before_rows')
  } catch (error) {
    if (!isCollision(error)) throw error
    await target.query('rollback to savepoint before_rows')
    await placeOneByOne(target, staged)
  }
}

function isCollision(error: unknown): boolean {
  return ['23505', '23P01', '23503'].includes(sqlStateOf(error) ?? '')
}

/**
 * A row of that key which is not the tenant's stays as it is, and the insert collides with it.
 * `only`: a condition on the rows `s` that have come.
 */
function placing(staged: Noted, only: string): string[] {
  const { table, schema, came, ours, columns } = staged
  const name = qualified(schema, table.route.target.name)
  const set = columnsSet(staged).map((column) => `${ident(column)} = s.${ident(column)}`)
  const isOurs = `exists (select from ${ours} o where ${isRow(staged, 'r', 'o')})`
  const match = `${isRow(staged, 'r', 's')} and ${isOurs}`
  return [
    ...(set.length > 0
      ? [`update ${name} r set ${set.join(', ')} from ${came} s where ${only}${match}`]
      : []),
    `insert into ${name} (${idents(columns)}) overriding system value
      select ${columns.map((column) => `s.${ident(column)}`).join(', ')} from ${came} s
      where ${only}not exists (select from ${name} r where ${match})`,
  ]
}

/** Columns that an update gives values to. */
export function columnsSet({ table, columns }: Staged): string[] {
  const own = table.route.target.columns
  return columns.filter((name) => !own.some((column) => column.name === name && column.identity))
}

/** Each as soon as nothing stands in its way, so that one may take what another one has left. */
async function placeOneByOne(target: Client, staged: Noted): Promise<void> {
  const { came, table } = staged
  const { name } = table.route.target
  const body = `
    declare it record; goes_on boolean;
    begin
      loop
        goes_on := false;
        for it in select ctid from ${came} loop
          begin
            ${placing(staged, 's.ctid = it.ctid and ').join(';\n')};
            delete from ${came} s where s.ctid = it.ctid;
            goes_on := true;
          exception when unique_violation or exclusion_violation or foreign_key_violation then
          end;
        end loop;
        exit when not exists (select from ${came});
        if not goes_on then
          raise unique_violation using message = (select count(*) from ${came});
        end if;
      end loop;
    end`
  try {
    await target.query(`do ${literal(body)}`)
  } catch (cause) {
    if (sqlStateOf(cause) !== '23505') throw cause
    const rows = cause instanceof Error ? cause.message : ''
    const message = `"${name}": ${rows} changed rows collide with each other or with others there; rows that exchange unique values come at once only if our role may set session_replication_role, or the constraint is deferrable`
    throw new RehomeError('ID_COLLISION', message, {
      cause,
      retryable: true,
      data: { table: name },
    })
  }
}

/** Two rows have the key of one row of the table. */
export function isRow({ table: { route } }: Staged, alias: string, other: string): string {
  const value = (name: string) => `${other}.${ident(name)}`
  return columnsEqual(route.target, route.targetKey, { alias, value })
}
