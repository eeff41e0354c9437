/**
 * Prepares the statements that sessions repeat, by name: the server then parses and plans each of
 * them once a session. For a small tenant that costs more than running them.
 *
 * Only statements with parameters have one text for all tenants. A statement that returns `*` is
 * left alone: with another column in its table the prepared one would fail. A prepared statement
 * keeps the types of its parameters and columns, so after a change of the schema each is prepared
 * anew, and no session keeps the old ones for longer than its current use.
 */
import { createHash, randomBytes } from 'node:crypto'
import type pg from 'pg'

/**
 * The texts that have a name, in all sessions together. Texts that hold a tenant's id would fill
 * them, so they are forgotten once they are many, and sessions that know them are closed.
 */
const names = new Map<string, string>()
const namesMax = 500
let timesForgotten = 0
/** Those that were sent once lately: most of these will not come again. */
const sentOnce = new Set<string>()
const sentOnceMax = 100
/** In characters. Longer ones hold keys of rows. */
const lengthMax = 32_768

/** How often the schema has changed that the sessions of a pool see. Absent: not yet. */
const generations = new WeakMap<pg.Pool, number>()
/** The pool of a session, and its generation when the session began. */
const beginnings = new WeakMap<pg.ClientBase, Beginning>()

interface Beginning {
  readonly pool: pg.Pool
  readonly generation: number
  /** How often texts had been forgotten by then. */
  readonly forgotten: number
}

function generationOf(pool: pg.Pool): number {
  return generations.get(pool) ?? 0
}

/** Call it once a schema has changed: the pool's sessions prepare every statement anew. */
export function prepareAnew(pool: pg.Pool): void {
  generations.set(pool, generationOf(pool) + 1)
}

/**
 * The session may hold statements of a schema that has changed since, or texts that were forgotten:
 * it is to be closed.
 */
export function isOutdated(client: pg.ClientBase): boolean {
  const beginning = beginnings.get(client)
  if (beginning === undefined) return false
  const { pool, generation, forgotten } = beginning
  return generation !== generationOf(pool) || forgotten !== timesForgotten
}

/** Applies to texts that this process has sent before, by any session. */
export function prepareRepeated(client: pg.ClientBase, pool: pg.Pool): void {
  const { query } = client
  beginnings.set(client, { pool, generation: generationOf(pool), forgotten: timesForgotten })
  // A pooler may hand over a session in which somebody has prepared the same text.
  const own = randomBytes(6).toString('hex')
  const named = (...args: unknown[]): unknown => {
    const [text, values, ...rest] = args
    const name = typeof text === 'string' && isLong(values) ? nameOf(text) : undefined
    if (name === undefined) return Reflect.apply(query, client, args)
    const full = `${name} ${own} ${generationOf(pool)}`
    const sent = [{ name: full, text, values }, ...rest]
    return Reflect.apply(query, client, sent)
  }
  Object.assign(client, { query: named })
}

function isLong(values: unknown): boolean {
  return Array.isArray(values) && values.length > 0
}

const returnsAll = /(?:\b(?:select|returning)|[,.])\s*\*/i

/** undefined: it is sent without one. */
export function nameOf(text: string): string | undefined {
  const name = names.get(text)
  if (name !== undefined) return name
  if (text.length > lengthMax || returnsAll.test(text)) return undefined
  if (!sentOnce.delete(text)) {
    if (sentOnce.size >= sentOnceMax) sentOnce.clear()
    sentOnce.add(text)
    return undefined
  }
  if (names.size >= namesMax) {
    names.clear()
    timesForgotten += 1
  }
  const newName = `rehome ${createHash('sha256').update(text).digest('hex').slice(0, 24)}`
  names.set(text, newName)
  return newName
}
