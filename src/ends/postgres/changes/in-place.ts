/**
 * Brings changed rows to an end at which our role may not switch foreign keys off: rows that are
 * there are updated where they stand, new ones inserted, parents first; rows that have gone are
 * removed, children first, before that where nothing else refers to them, and after it else.
 * Constraints that are deferrable wait until all of it is done.
 *
 * Two rows that exchange the values of a unique constraint cannot come one by one. Then the round
 * fails, and `check` has named the table.
 */
import { RehomeError } from '../../../errors.ts'
import { type Client, sqlStateOf } from '../../../postgres.ts'
import { ident, idents, literal, qualified } from '../../../quote.ts'
import type { RowMapper } from '../../../transform/transform-mapper.ts'
import { byEquality, columnsEqual, isParent } from '../matching.ts'
import { removeRows } from '../removal/remove-rows.ts'
import { tenantPredicate } from '../tenant-of-rows.ts'
import { type Bringing, changedAtTarget } from './brought-keys.ts'
import type { ChangedTable, Changes } from './changes.ts'
import { noteGone } from './gone-values.ts'
import { bringChanged } from './replace-rows.ts'

/** Rows of one table that have come, and keys of those that go, in tables of the transaction. */
export interface Staged {
  readonly table: ChangedTable
  readonly schema: string
  readonly came: string
  readonly gone: string
  /** The columns that came. */
  readonly columns: readonly string[]
  readonly rows: number
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
  const [came, gone] = [`rehome_came_${place}`, `rehome_gone_${place}`]
  const stored = target.columns.filter(({ generated }) => !generated).map(({ name }) => name)
  await bringing.target.query(`create temp table ${ident(came)} on commit drop as
    select ${idents(stored)} from ${qualified(schema, target.name)} with no data`)
  const into = { schema: pgTemp, table: { ...target, name: came } }
  const { rows, columns } = await bringChanged(bringing, changes, { ...work, into })
  return { table, schema, came: qualified(pgTemp, came), gone, columns, rows }
}

/**
 * Before any row changes: by then a row may no longer be found as the tenant's. `noted`: columns
 * whose values are kept, see gone-values.ts.
 */
export async function noteGoing(
  { target }: Pick<Bringing, 'target'>,
  changes: Changes,
  { staged, noted }: { readonly staged: Staged; readonly noted: readonly string[] },
): Promise<Staged> {
  const { table, schema, came, gone } = staged
  const { route } = table
  const ours = tenantPredicate(route.targetPath, { schema, alias: 'r', tenant: changes.key.tenant })
  const where = `${ours} and ${changedAtTarget(changes, table)}`
  if (noted.length > 0) {
    await noteGone({ target }, changes, { table, schema, columns: noted, where })
  }
  const key = route.targetKey.map((name) => `r.${ident(name)}`).join(', ')
  await target.query(`create temp table ${ident(gone)} on commit drop as
    select ${key} from ${qualified(schema, route.target.name)} r
    where ${where} and not exists (select from ${came} s where ${isRow(staged, 'r', 's')})`)
  return { ...staged, gone: qualified(pgTemp, gone) }
}

/** Rows that other rows refer to stay for now. Returns how many went. */
export async function removeGoing(
  target: Client,
  staged: Staged,
  all: readonly Staged[],
): Promise<number> {
  const { table, schema } = staged
  const references = table.route.target.references.filter((key) => !key.undeclared)
  const free = references.map((key) => {
    const own = (name: string) => `c.${ident(name)}`
    const match = isParent(byEquality(key), (name) => `r.${ident(name)}`, own)
    const child = all.find(
      ({ table: other, schema: at }) => key.schema === at && other.route.target.name === key.table,
    )
    const goes =
      child && ` and not exists (select from ${child.gone} g where ${isRow(child, 'c', 'g')})`
    return `not exists (select from ${qualified(key.schema, key.relation)} c where ${match}${goes ?? ''})`
  })
  const is = `exists (select from ${staged.gone} g where ${isRow(staged, 'r', 'g')})`
  const where = [is, ...free].join(' and ')
  const removal = { schema, table: table.route.target, where, limit: null }
  const [removed] = await removeRows(target, [removal])
  return removed?.rows ?? 0
}

/** Throws FOREIGN_KEY_BROKEN where rows that have gone elsewhere are still referred to. */
export async function refuseStaying(target: Client, staged: Staged): Promise<void> {
  const { name } = staged.table.route.target
  const query = `select count(*)::int as rows from ${qualified(staged.schema, name)} r
    where exists (select from ${staged.gone} g where ${isRow(staged, 'r', 'g')})`
  const { rows } = (await target.query(query)).rows[0]
  if (rows === 0) return
  const message = `"${name}": rows still refer to ${rows} rows that the tenant has removed: remove or change them, then ask again`
  throw new RehomeError('FOREIGN_KEY_BROKEN', message, { data: { table: name, rows } })
}

/** Updates and inserts what has come. Throws ID_COLLISION. */
export async function placeStaged(target: Client, staged: Staged): Promise<void> {
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

/** `only`: a condition on the rows `s` that have come. */
function placing(staged: Staged, only: string): string[] {
  const { table, schema, came, columns } = staged
  const { target } = table.route
  const name = qualified(schema, target.name)
  const set = columns
    .filter((column) => !target.columns.some((c) => c.name === column && c.identity))
    .map((column) => `${ident(column)} = s.${ident(column)}`)
  const match = isRow(staged, 'r', 's')
  return [
    ...(set.length > 0
      ? [`update ${name} r set ${set.join(', ')} from ${came} s where ${only}${match}`]
      : []),
    `insert into ${name} (${idents(columns)}) overriding system value
      select ${columns.map((column) => `s.${ident(column)}`).join(', ')} from ${came} s
      where ${only}not exists (select from ${name} r where ${match})`,
  ]
}

/** Each as soon as nothing stands in its way, so that one may take what another one has left. */
async function placeOneByOne(target: Client, staged: Staged): Promise<void> {
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
function isRow({ table: { route } }: Staged, alias: string, other: string): string {
  const value = (name: string) => `${other}.${ident(name)}`
  return columnsEqual(route.target, route.targetKey, { alias, value })
}
