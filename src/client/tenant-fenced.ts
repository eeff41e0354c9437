/**
 * Reads the errors of database libraries: whether a tenant is fenced, or a transaction has to
 * be run again.
 *
 * Nothing here asks the database. An error is only taken for the fence's where the library has
 * left its SQLSTATE, its HINT and its DETAIL together on one object: a read-only transaction or a
 * standby refuse with the same SQLSTATE, and a message could have been written by anybody.
 */
import { isNativeError } from 'node:util/types'
import type { Fence } from './fence.ts'

/** Whether a write was refused because its tenant is fenced. */
export function isTenantFenced(error: unknown): boolean {
  return fenceOf(error) !== null
}

/**
 * The fence that has refused a write, wherever the library put it; null: this error is about
 * something else, be it that the whole transaction or server is read-only.
 */
export function fenceOf(error: unknown): Fence | null {
  return findIn(error, (fields) => {
    if (fields.name === 'TenantReadOnlyError') return parseFence(fields.fence)
    if (fields.code !== '25006' || fields.hint !== 'rehome:fenced') return null
    return typeof fields.detail === 'string' ? parseFence(parseJson(fields.detail)) : null
  })
}

/** P2034 is what Prisma makes of the other two, above an adapter that does not tell which. */
const conflicts = new Set<unknown>(['40001', '40P01', 'P2034'])

/**
 * Whether the transaction met another one and has to be run again from its beginning. While a fence
 * is raised, REPEATABLE READ and SERIALIZABLE writers of its tenant get this error first.
 */
export function isSerializationFailure(error: unknown): boolean {
  const conflict = findIn(error, ({ code, kind }) =>
    conflicts.has(code) || kind === 'TransactionWriteConflict' ? true : null,
  )
  return conflict ?? false
}

/** So many errors are looked at; an error and its causes are a handful. */
const errorsMax = 64

type Fields = Readonly<Record<string, unknown>>

/** The result of `look` for the error, or for the first of its causes that has one. */
function findIn<T>(error: unknown, look: (fields: Fields) => T | null): T | null {
  if (!isError(error)) return null
  const open: Fields[] = [error]
  const visited = new Set<unknown>(open)
  for (const fields of open) {
    const result = look(fields)
    if (result !== null) return result
    for (const cause of causesOf(fields)) {
      if (visited.has(cause) || visited.size >= errorsMax) continue
      visited.add(cause)
      open.push(cause)
    }
  }
  return null
}

/**
 * Errors alone, so that a parsed body that only looks like an error of ours is none. Prisma's
 * adapter is the exception: it keeps the fields of the database's error in an object of its own.
 */
function causesOf({ name, cause, errors, meta }: Fields): Fields[] {
  const ofPrisma = isObject(meta) ? [meta.driverAdapterError] : []
  const all = [cause, ...(Array.isArray(errors) ? errors : []), ...ofPrisma]
  const fields = name === 'DriverAdapterError' && isObject(cause) ? [cause] : []
  return [...fields, ...all.filter(isError)]
}

/** Accepts errors of any realm: test runners make their own `Error`. */
function isError(value: unknown): value is Error & Fields {
  return value instanceof Error || isNativeError(value)
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const modes: readonly Fence['mode'][] = ['read_only', 'receiving', 'moved']

/** null: not what the database answers of a fence. Fields that are not known are left out. */
function parseFence(value: unknown): Fence | null {
  if (!isObject(value)) return null
  // Databases whose fence is older do not have it.
  const { scope, tenant, mode, reason, retryAfterS, indefinite = false, movedTo, key } = value
  const hasTenant = typeof scope === 'string' && typeof tenant === 'string' && isMode(mode)
  const hasReason = typeof reason === 'string' && typeof indefinite === 'boolean'
  const timed = Number.isSafeInteger(retryAfterS) && Number(retryAfterS) >= 0
  if (!hasTenant || !hasReason || !timed || !isTextOrNull(movedTo) || !isTextOrNull(key))
    return null
  const counted = Number(retryAfterS)
  return {
    scope,
    tenant,
    mode,
    reason,
    retryAfterS: counted,
    indefinite,
    movedTo,
    key,
  }
}

function isMode(value: unknown): value is Fence['mode'] {
  return modes.some((mode) => mode === value)
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
