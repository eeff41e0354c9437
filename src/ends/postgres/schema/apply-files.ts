/**
 * Runs the files of one part of a plan at one end, statement by statement, from where the command
 * before this one stopped.
 *
 * Invariant: a statement in a transaction is committed together with the row that records it, and
 * one that cannot be in a transaction begins only after a row records that it may have run.
 */
import { RehomeError } from '../../../errors.ts'
import { toRehomeError } from '../../../postgres.ts'
import { failedAt, type SqlEnd } from '../../end.ts'
import { runBatches } from './batches-unit.ts'
import { runConcurrent } from './concurrent-unit.ts'
import { acceptFile, type Change, type Marker, markSql, readMarkers } from './markers.ts'
import { beginAnew, type SchemaSession, type SessionOptions, withSchemaSession } from './session.ts'
import { type Ran, runTransaction } from './transaction-unit.ts'
import { GaveUp } from './tries.ts'
import type { Numbered, Unit, UnitsOfFile } from './units.ts'

export interface Applied {
  readonly file: string
  readonly statement: Numbered
  /** `null`: an earlier command has run it, and died before it could record that. */
  readonly ran: Ran | null
}

export interface Failed {
  readonly file: string
  readonly statement: Numbered
  readonly error: RehomeError
}

export interface ApplyOptions extends SessionOptions {
  readonly plan: string
  readonly part: string
  readonly files: readonly UnitsOfFile[]
  /** Go on with a file that has changed where nothing of it has run yet. */
  readonly acceptChanges: boolean
  readonly onApplied: (applied: Applied) => Promise<void>
  readonly onFailed: (failed: Failed) => Promise<void>
}

/** Throws SCHEMA_FILE_CHANGED, SCHEMA_CHANGE_FAILED, NOT_ALLOWED_NOW, UNREACHABLE. */
export async function applyFiles(end: SqlEnd, options: ApplyOptions): Promise<void> {
  const { plan, part } = options
  const change = { plan, part, end: end.name }
  await withSchemaSession(end, options, async (session) => {
    const markers = await readMarkers(end.lifeline, change)
    for (const file of options.files.filter((one) => hasChanged(one, markers))) {
      const own = markersOf(file, markers)
      if (!options.acceptChanges || !startIsSame(file, own)) throw fileChanged(end, file, own)
      await acceptFile(end.lifeline, change, file)
    }
    for (const file of options.files) refusePartsOfTransactions(end, file, markers)
    for (const file of options.files) {
      const own = markersOf(file, markers)
      await beginAnew(session)
      for (const unit of file.units) await applyUnit({ session, change, file, options }, unit, own)
    }
  }).catch(failedAt(end))
}

export function statementsOf({ units }: UnitsOfFile): Numbered[] {
  return units.flatMap(({ kind, statements }) => (kind === 'setting' ? [] : [...statements]))
}

/** Statements that have not run yet. */
export function pendingIn(file: UnitsOfFile, markers: readonly Marker[]): Numbered[] {
  const done = markersOf(file, markers).filter((marker) => marker.done)
  const numbers = new Set(done.map(({ number }) => number))
  return statementsOf(file).filter(({ number }) => !numbers.has(number))
}

function markersOf({ name }: UnitsOfFile, markers: readonly Marker[]): Marker[] {
  return markers.filter(({ file }) => file === name)
}

/** Has it changed since a statement of it was run? */
export function hasChanged(file: UnitsOfFile, markers: readonly Marker[]): boolean {
  return markersOf(file, markers).some(({ fileHash }) => fileHash !== file.hash)
}

/** Has what has run, or may have, stayed as it was? */
function startIsSame(file: UnitsOfFile, own: readonly Marker[]): boolean {
  const statements = statementsOf(file)
  return own.every(({ number, hash }) =>
    statements.some((one) => one.number === number && one.hash === hash),
  )
}

function fileChanged(
  { name, place }: SqlEnd,
  file: UnitsOfFile,
  own: readonly Marker[],
): RehomeError {
  const done = own.filter((marker) => marker.done).length
  const last = Math.max(...own.map(({ number }) => number))
  const instead = startIsSame(file, own)
    ? `put it back, or go on behind statement ${last} with \`--accept-changes\``
    : 'put it back, and write what is missing into a new file'
  const message = `"${file.name}" has changed since ${done} of its statements were run at the ${name} (${place}): ${instead}`
  return new RehomeError('SCHEMA_FILE_CHANGED', message)
}

/** A transaction runs once and as a whole: what was put into one that has run never would. */
function refusePartsOfTransactions(
  { name, place }: SqlEnd,
  file: UnitsOfFile,
  markers: readonly Marker[],
): void {
  const left = pendingIn(file, markers)
  for (const { statements } of file.units) {
    const added = statements.filter((one) => left.includes(one))
    const [first] = added
    if (!first || added.length === statements.length) continue
    const message =
      `"${file.name}", line ${first.line}: this statement was put between a BEGIN and a COMMIT ` +
      `whose other statements were run at the ${name} (${place}): write it behind the last ` +
      'statement that has run, and go on with `--accept-changes`'
    throw new RehomeError('SCHEMA_FILE_CHANGED', message)
  }
}

interface At {
  readonly session: SchemaSession
  readonly change: Change
  readonly file: UnitsOfFile
  readonly options: ApplyOptions
}

async function applyUnit(at: At, unit: Unit, markers: readonly Marker[]): Promise<void> {
  const { session, file, options } = at
  const { kind, statements } = unit
  const [first] = statements
  if (options.signal?.aborted) throw stopped(options.signal.reason)
  if (kind !== 'setting' && pendingIn({ ...file, units: [unit] }, markers).length === 0) {
    for (const statement of statements)
      await options.onApplied({ file: file.name, statement, ran: null })
    return
  }
  try {
    if (kind === 'setting') await session.client.query(first.text)
    else {
      const ran = await run(at, unit, markers)
      for (const [i, statement] of statements.entries())
        await options.onApplied({ file: file.name, statement, ran: ran[i] ?? null })
    }
  } catch (error) {
    if (options.signal?.aborted) throw stopped(error)
    const failure = failureOf(error, { session, file, statement: first })
    await options.onFailed({ file: file.name, statement: first, error: failure }).catch(() => {})
    throw failure
  }
}

async function run(at: At, unit: Unit, markers: readonly Marker[]): Promise<Ran[]> {
  const { session, change, file } = at
  const { statements, batches, begin, kind } = unit
  const [first] = statements
  const marker = markers.find(({ number }) => number === first.number)
  if (batches) {
    const from = { key: marker?.batchKey ?? null, rows: marker?.rows ?? 0 }
    const mark = ({ key, ...state }: { key?: readonly string[]; rows: number; done: boolean }) =>
      markSql(change, file, { ...first, ...state, ...(key && { batchKey: key }) })
    return [await runBatches(session, { statement: first, batches, from, mark })]
  }
  if (kind === 'concurrent') {
    const mark = async (done: boolean) => {
      await session.end.lifeline.query(markSql(change, file, { ...first, done }))
    }
    const onBegin = () => mark(false)
    const ran = await runConcurrent(session, {
      statement: first,
      wasBegun: marker !== undefined,
      onBegin,
    })
    await mark(true)
    return [ran]
  }
  const texts = statements.map(({ text }) => text)
  const mark = () =>
    statements.map((one) => markSql(change, file, { ...one, done: true })).join('; ')
  return await runTransaction(session, { begin, statements: texts, mark })
}

function stopped(cause: unknown): RehomeError {
  const message = 'stopped between two statements or batches; run the command again to go on'
  return new RehomeError('STOPPED', message, { cause })
}

function failureOf(
  error: unknown,
  { session, file, statement }: { session: SchemaSession; file: UnitsOfFile; statement: Numbered },
): RehomeError {
  const { name, place } = session.end
  const cause = toRehomeError(error, `the ${name} (${place})`)
  const kept = /^(UNREACHABLE|ACCESS_DENIED|NOT_ALLOWED_NOW)$/.test(cause.code)
  if (kept) return cause
  const where = `"${file.name}", line ${statement.line}`
  const message = `${where}: ${cause.message}; what ran before it stays. Correct the cause, and run the command again`
  const attempts = error instanceof GaveUp ? error.attempts : 1
  const data = { ...cause.data, attempts }
  return new RehomeError('SCHEMA_CHANGE_FAILED', message, { cause: error, data })
}
