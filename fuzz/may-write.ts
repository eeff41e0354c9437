/** Which writes of a story the application may still make at the tenant's present home. */
import type { Case, EndName, Step, Write } from './cases/case.ts'
import { tableOfWrite } from './cases/case-sql.ts'
import type { MadePlan } from './cases/make-plan.ts'
import { secures } from './draw/draw-extras.ts'
import { valuesIn } from './draw/needed-shared.ts'

export interface Standing {
  readonly kase: Case
  readonly made: MadePlan
  readonly oracle: { readonly home: EndName; readonly hasMoved: boolean }
  /** Tables whose rows would not follow a rollback. */
  readonly oneWay: boolean
}

/** Whether the story still makes sense with these writes. */
export function mayWrite(
  standing: Standing,
  writes: readonly Write[],
  isBefore: readonly Step[],
): boolean {
  const { made, oneWay } = standing
  // Without a window a rollback would have to give up what was written.
  const back = isBefore.findIndex((step) => step.do === 'rollback')
  const onward = isBefore.findIndex((step) => step.do === 'move')
  const isKept = (made.input.rollback?.windowMs ?? 0) > 0 && !oneWay
  const isLost = back >= 0 && (onward < 0 || back < onward) && !isKept
  return !isLost && writes.every((write) => mayBe(standing, write))
}

function mayBe({ oracle, made, kase }: Standing, write: Write): boolean {
  const table = tableOfWrite(write)
  const isTenants = isOfTenant(write)
  const stays = (name: string) => !made.moves(name)
  const isAdopted = write.kind === 'update' && 'mark' in write.set
  if (oracle.hasMoved && (stays(table) || !isTenants || isAdopted)) return false
  // COPY into a table with row security is for roles that pass by it.
  const isSecure = kase.reactions.some(({ name }) => secures(table).includes(name))
  if (write.kind === 'copy' && isSecure) return false
  // Guards change the order in which partitions get rows of a COPY, and so a trigger's numbers.
  const isNumbered = kase.reactions.some(({ name }) => name === `${table} outbox`)
  const isParted = kase.tables.some(({ name, partitioned }) => name === table && partitioned)
  if (write.kind === 'copy' && isNumbered && isParted) return false
  if (oracle.hasMoved && deletesNumbered(kase, write)) return false
  // Both ends give numbers from one range: `check` advises the application's owner to part them.
  if (oracle.home === 'target' && !kase.story.parted && takesNumber(kase, write)) return false
  if (oracle.home === 'target' && needsAbsent(kase, write)) return false
  const isReferred = kase.constraints.some(
    ({ parent, table: child }) => parent === table && stays(child),
  )
  return !isReferred || write.kind === 'insert' || write.kind === 'copy'
}

/**
 * The write may delete several rows, by itself or by a cascade, that a trigger numbers one by one:
 * in which order depends on where they lie in the table, and that is another one after a move.
 */
function deletesNumbered({ reactions }: Case, write: Write): boolean {
  if (write.kind !== 'delete all' && write.kind !== 'delete') return false
  const numbered = reactions.filter(({ name }) => name.endsWith(' outbox'))
  const own = `${tableOfWrite(write)} outbox`
  return numbered.some(({ name }) => write.kind === 'delete all' || name !== own)
}

/** The write may refer to a shared row that the target lacked in the beginning. */
function needsAbsent({ tables, constraints, rows }: Case, write: Write): boolean {
  const table = tableOfWrite(write)
  return constraints.some(({ table: child, parent, columns: [column = ''] }) => {
    const to = tables.find(({ name, brought }) => name === parent && brought)
    if (child !== table || !to) return false
    const there = rows.filter((row) => row.table === parent && !row.absent)
    const values = there.map((row) => row.values[to.key[0] ?? ''])
    return valuesIn(write).some((set) => {
      const value = set[column]
      return value !== undefined && value !== 'null' && !values.includes(value)
    })
  })
}

function isOfTenant(write: Write): boolean {
  if (write.kind === 'truncate') return false
  if (write.kind === 'copy') return write.rows.every(({ owner }) => owner === 'a')
  if (write.kind === 'insert') return write.row.owner === 'a'
  return 'whose' in write ? write.whose === 'a' : write.mark.startsWith('a/')
}

function takesNumber({ tables }: Case, write: Write): boolean {
  if (write.kind !== 'insert') return false
  const table = tables.find((one) => one.name === write.row.table)
  return !!table?.columns.some(
    ({ name, fills }) => fills === 'number' && !(name in write.row.values),
  )
}
