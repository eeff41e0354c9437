/**
 * Asks `check` about constraints that only the target has, and PostgreSQL whether the tenant's rows
 * satisfy them: both have to say the same. They are added at the target for this look alone.
 */
import type { Finding } from '../src/plan/catalogs/catalog.ts'
import type { Case, Table } from './cases/case.ts'
import { type MadePlan, withoutTenant } from './cases/make-plan.ts'
import { name } from './draw/draw.ts'
import type { Fault } from './fault.ts'
import type { Databases } from './ground.ts'

interface Demand {
  readonly at: string
  /** Its name in findings. */
  readonly called: string
  readonly table: string
  readonly add: string
  readonly drop: string
}

interface Asking {
  readonly kase: Case
  readonly at: Databases
  readonly made: MadePlan
  /** Findings of `check`, and its notes. */
  readonly check: () => Promise<Record<'findings' | 'notes', readonly Finding[]>>
}

/** Rows that no path finds, and ends that tell no constraints, are no case for it. */
export async function askOfDemands({ kase, at, made, check }: Asking): Promise<Fault[]> {
  if (kase.story.over.length > 0 || kase.rows.some(({ stray }) => stray)) return []
  const drawn = kase.tables
    .filter((one) => isAskable(made, one))
    .flatMap((one) => demandsOn(kase, one))
  const added: Demand[] = []
  for (const demand of drawn) {
    const sql = `alter table ${demand.at} ${demand.add}`
    // What is there of others may be in its way.
    if (await runs(at.target, sql)) added.push(demand)
  }
  const told = await check()
  const faults: Fault[] = []
  for (const demand of added) {
    const isNamed = (some: readonly Finding[]) =>
      some.some(({ where, message }) => {
        const isThere = withoutTenant(where) === `target table "${demand.table}"`
        return isThere && message.includes(demand.called)
      })
    const isRefused = (await isSatisfied(at, demand)) === false
    if (isNamed(told.findings) === isRefused || isNamed(told.notes)) continue
    const what = isRefused
      ? 'check does not name rows that the target would refuse'
      : 'check names rows that the target would take'
    faults.push({ what, details: [`alter table ${demand.at} ${demand.add}`] })
  }
  for (const { at: table, drop } of added) {
    await at.target.query(`alter table ${table} ${drop}`)
  }
  return faults
}

function isAskable(made: MadePlan, { name: table, shared, outside, columns }: Table): boolean {
  const isMade = columns.some(({ becomes }) => becomes?.by === 'transform')
  return made.moves(table) && !shared && !outside && !isMade
}

/** Checks on columns that every table has, and on each that may be null. */
function demandsOn({ schema }: Case, { name: table, columns, partitioned }: Table): Demand[] {
  const at = `${name(schema)}.${name(table)}`
  const demands: Demand[] = []
  const constraint = (kind: string, sql: string) => {
    const own = `demand ${demands.length}`
    const drop = `drop constraint ${name(own)}`
    const add = `add constraint ${name(own)} ${sql}`
    demands.push({ at, table, called: `${kind} "${own}"`, add, drop })
  }
  constraint('CHECK', `check (length(mark) < 5 or mark < 'b') not valid`)
  constraint('CHECK', `check (rtrim(mark, '!') !~ '[37]$') not valid`)
  for (const column of columns) {
    const { name: own, notNull, fills, becomes } = column
    if (notNull || fills || becomes) continue
    const of = name(own)
    demands.push({
      ...{ at, table, called: `NOT NULL of column "${own}"` },
      ...{ add: `alter ${of} set not null`, drop: `alter ${of} drop not null` },
    })
    constraint('CHECK', `check (${of} is not null or mark > 'a/15') not valid`)
    if (partitioned) continue
    constraint('UNIQUE', `unique nulls not distinct (${of})`)
    constraint('UNIQUE', `unique (${of})`)
    constraint('EXCLUDE', `exclude (${of} with =) where (mark < 'a/2')`)
  }
  return demands
}

async function runs(pool: Databases['target'], sql: string): Promise<boolean> {
  return await pool.query(sql).then(
    () => true,
    () => false,
  )
}

/** Where no other row is in the table, PostgreSQL says so itself. null: it cannot compare them. */
async function isSatisfied({ shadow }: Databases, { at, add }: Demand): Promise<boolean | null> {
  const client = await shadow.connect()
  try {
    await client.query(`begin; set local session_replication_role = replica;
      delete from ${at} where mark not like 'a/%'`)
    await client.query(`alter table ${at} ${add.replace(/ not valid$/, '')}`)
    return true
  } catch (error) {
    const { code = '' } = error as { code?: string }
    return code.startsWith('23') ? false : null
  } finally {
    await client.query('rollback')
    client.release()
  }
}
