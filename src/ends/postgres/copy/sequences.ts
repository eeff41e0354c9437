/**
 * Brings the target's sequences past the ids that were copied, so that the next row gets a free
 * one. They are only ever moved forward, and the copied rows' own maximum decides.
 */

import { sleep } from '../../../clock.ts'
import { RehomeError } from '../../../errors.ts'
import type { CatalogTable } from '../../../plan/catalogs/catalog.ts'
import { endsIfIdle, type Pool, sqlStateOf, toRehomeError } from '../../../postgres.ts'
import { ident, literal } from '../../../quote.ts'
import type { SqlEnd } from '../../end.ts'
import type { IdUse, Reached } from '../../rows.ts'
import { fromTenant } from '../predicate.ts'
import { fewAtOnce, fewNames } from '../relations.ts'
import { TenantParameters } from '../tenant-of-rows.ts'

/** `from … r where …` gives the tenant's rows, whose largest id in `column` is to be passed. */
export interface SequenceUse {
  readonly column: string
  readonly sequence: string
  readonly table: string
  readonly descending: boolean
}

export function sequencesOf(table: CatalogTable): SequenceUse[] {
  return table.columns.flatMap((column) => {
    const { name, sequence } = column
    if (sequence === null) return []
    return [{ column: name, sequence, table: table.name, descending: descends(column) }]
  })
}

/** The sequence counts down. */
export function descends({ step }: { readonly step?: number | null | undefined }): boolean {
  return (step ?? 1) < 0
}

/** One statement, or one for so many tables as it may lock. */
export async function largestIds(end: SqlEnd, uses: readonly IdUse[]): Promise<(bigint | null)[]> {
  const ids: (bigint | null)[] = []
  for (const some of fewAtOnce(uses, ({ rows }) => [rows.table])) {
    const parameters = new TenantParameters()
    const list = some.map(({ rows, column, descending }, i) => {
      const last = `${descending ? 'min' : 'max'}(r.${ident(column)})::text`
      return `(select ${last} from ${fromTenant(end.schema, rows, parameters)}) as i${i}`
    })
    const [row] = (await end.pool.query(`select ${list.join(', ')}`, parameters.values)).rows
    ids.push(...some.map((_, i) => (row[`i${i}`] === null ? null : BigInt(row[`i${i}`]))))
  }
  return ids
}

/** The numbers that they gave last, or will give first. */
export async function positionsOf(end: SqlEnd, sequences: readonly string[]): Promise<bigint[]> {
  const positions: bigint[] = []
  for (const some of fewNames(sequences)) {
    const list = some.map((name, i) => `(select last_value::text from ${name}) as p${i}`)
    const all = await seen(end, some, async () => {
      const [row] = (await end.pool.query(`select ${list.join(', ')}`)).rows
      const numbers: (string | null)[] = some.map((_, i) => row[`p${i}`])
      return numbers.every((number) => number !== null) ? numbers : null
    })
    positions.push(...all.map(BigInt))
  }
  return positions
}

const looksMax = 50

/**
 * A session that reads a sequence takes no lock that `alter sequence` waits for: at its commit the
 * reader may find the old file empty or gone. So it looks again until `look` returns something.
 */
async function seen<T>(
  end: SqlEnd,
  sequences: readonly string[],
  look: () => Promise<T | null>,
): Promise<T> {
  for (let tries = 0; tries < looksMax; tries += 1) {
    try {
      const answer = await look()
      if (answer !== null) return answer
    } catch (error) {
      // Data corrupted; undefined file.
      if (!['XX001', '58P01'].includes(sqlStateOf(error) ?? '')) throw error
    }
  }
  const what = `the ${end.name} showed no number of ${sequences.join(', ')} in ${looksMax} looks`
  const next = 'another session alters them all the time; they are looked at again'
  throw new RehomeError('DATABASE_ERROR', `${what}: ${next}`, { retryable: true })
}

/** Two calls where some are due, else one. Returns those that had not passed their id. */
export async function advanceSequences(
  end: SqlEnd,
  reached: readonly Reached[],
): Promise<string[]> {
  const advanced: string[] = []
  for (const some of fewNames(reached)) {
    const [first] = some
    try {
      const due = await dueOf(end, some)
      await advance(end, due)
      advanced.push(...due.map(({ sequence }) => sequence))
    } catch (error) {
      const what = some.length === 1 ? `sequence ${first?.sequence}` : 'the sequences'
      throw toRehomeError(error, `${what} of the ${end.name}`)
    }
  }
  return advanced
}

interface Due extends Reached {
  readonly owner: string
  /** Our role may lock it. */
  readonly isOurs: boolean
}

/**
 * Those that have not passed their id, and those whose number was not seen. None goes back, so it
 * takes no lock to see that.
 */
async function dueOf(end: SqlEnd, reached: readonly Reached[]): Promise<Due[]> {
  const looks = reached.map((one, i) => {
    return `select ${i} as i, c.relowner::regrole::text as owner,
      pg_has_role(c.relowner, 'usage') as owned
    from pg_sequence q join pg_class c on c.oid = q.seqrelid left join ${one.sequence} s on true
    where q.seqrelid = ${regclass(one)} and (${passed(one)}) is not true`
  })
  const names = reached.map(({ sequence }) => sequence)
  const look = () => end.pool.query(looks.join(' union all '))
  const { rows } = await seen(end, names, look)
  return rows.flatMap(({ i, owner, owned }) => {
    const one = reached[i]
    return one ? [{ ...one, owner, isOurs: owned }] : []
  })
}

/** Whether the sequence `s` with the parameters `q` has passed the id. */
function passed({ id }: Reached): string {
  return `sign(s.last_value::numeric - ${int8(id)}) = sign(q.seqincrement)
    or (s.last_value = ${int8(id)} and s.is_called) or ${int8(id)} not between q.seqmin and q.seqmax`
}

function regclass({ sequence }: Reached): string {
  return `${literal(sequence)}::regclass`
}

/**
 * In steps of the sequence: two ends may part the numbers between them by odd and even. One that
 * has no step left stands at its end.
 */
function setStatement(reached: Reached): string {
  const { sequence, id } = reached
  const step = `s.last_value::numeric
      + ceil((${int8(id)} - s.last_value::numeric) / q.seqincrement) * q.seqincrement`
  return `select setval(${regclass(reached)},
    least(greatest(${step}, q.seqmin), q.seqmax)::int8) from ${sequence} s, pg_sequence q
    where q.seqrelid = ${regclass(reached)} and not (${passed(reached)})`
}

function int8(id: bigint): string {
  return `${literal(String(id))}::int8`
}

const lockTriesMax = 3
/** The longest wait for the lock, in ms. Callers of `nextval` wait as long. */
const lockMs = 50

/**
 * Sets each with the sequence locked, so that no session passes us between the look and the set,
 * and in a transaction of its own: each transaction that has taken a number keeps the lock from us
 * until it ends, and while we wait all others wait behind us. So the wait is short, and after a few
 * tries the two happen in one statement without. All of them are one call; where that fails, those
 * that are left are set one by one, so that only the one that is held goes without its lock.
 */
async function advance(end: SqlEnd, due: readonly Due[]): Promise<void> {
  const ours = due.filter(({ isOurs }) => isOurs)
  const alone = due.filter(({ isOurs }) => !isOurs)
  try {
    if (ours.length > 0) await end.pool.query(ours.map(lockAndSet).join('; '))
  } catch (error) {
    if (isLost(error)) throw error
    for (const one of await dueOf(end, ours)) {
      if (!(await setLocked(end.pool, one))) alone.push(one)
    }
  }
  for (const one of alone) {
    // A set without the lock changes nothing where it does not see the number.
    await seen(end, [one.sequence], async () => {
      await end.pool.query(setStatement(one))
      return (await dueOf(end, [one])).length === 0 ? true : null
    })
  }
}

/**
 * false: others held it each time, or it is not ours to lock: its owner has changed, or an event
 * trigger permits no `alter` now.
 */
async function setLocked(pool: Pool, due: Due): Promise<boolean> {
  for (let tries = 1; tries <= lockTriesMax; tries += 1) {
    try {
      await pool.query(lockAndSet(due))
      return true
    } catch (error) {
      if (isLost(error)) throw error
      // Lock not available.
      if (sqlStateOf(error) !== '55P03') return false
      await sleep(lockMs * (1 + Math.random()))
    }
  }
  return false
}

/** No statement failed, but the connection. */
function isLost(error: unknown): boolean {
  return toRehomeError(error, '').code === 'UNREACHABLE'
}

/**
 * No `lock table` exists for sequences, but `alter sequence` locks one, and with the owner that it
 * has it changes nothing. (With a parameter that stays it would write the sequence to a new file,
 * and a session that reads at its commit would find the old one empty.) Only the owner may.
 */
function lockAndSet(due: Due): string {
  const lock = `set local lock_timeout = ${lockMs}; alter sequence ${due.sequence} owner to ${due.owner}`
  // The owner may have changed since it was read: then ours is an error, which takes it back.
  const unlessChanged = `select 1 / (c.xmin <> pg_current_xact_id()::xid)::int
    from pg_class c where c.oid = ${regclass(due)}`
  return `begin; ${endsIfIdle}; ${lock}; ${unlessChanged}; ${setStatement(due)}; commit`
}
