/**
 * Brings the application's own directory, or its router, up to where the tenant lives: in the
 * cutover's commit where that is in the directory's database, and else once the home is open. What
 * comes later is tried again until it is done; no fence waits for it.
 */
import { guardedAt, homeAt, statementAt } from '../checks/directory-findings.ts'
import { now, round } from '../clock.ts'
import type { DirectoryEvidence } from '../control/database.ts'
import type { End } from '../ends/end.ts'
import { type DirectorySql, tryDirectory, updateDirectory } from '../ends/postgres/directory-sql.ts'
import { messageOf, RehomeError } from '../errors.ts'
import { holdOf, note, type Shard, unlessAborted } from './shard.ts'

/** How long a call of `onMoved` may take, in ms. */
const callMs = 10_000

/** `away`: the end that the tenant leaves. */
interface Way {
  readonly home: End
  readonly away: End
}

/** SQL that belongs into a cutover's commit at `away`. null: none does. */
export function directoryAtCutover(shard: Shard, { home, away }: Way): DirectorySql | null {
  const also = statementAt(shard, home, away)
  return also ?? (isOneDatabase(shard) ? statementAt(shard, home, home) : null)
}

export function noteInCutover(shard: Shard, { home, away }: Way, rows: number): void {
  const also = { ...evidenceOf(shard, home).also, [away.name]: { rows, inCutover: true } }
  noteDirectory(shard, home, { also })
}

/**
 * All that the cutover's commit could not do. Repeating it is harmless. Throws
 * DIRECTORY_NOT_UPDATED, and the tenant works at its home all the same.
 */
export async function publishHome(shard: Shard, home: End): Promise<void> {
  await updateAtHome(shard, home)
  await callOnMoved(shard, home)
}

/** Tries the statements of both directions, and undoes them, before anybody is fenced. */
export async function tryDirectories(shard: Shard): Promise<void> {
  const { source, target } = shard.ends
  for (const at of [source, target]) {
    for (const home of [target, source]) {
      const also = statementAt(shard, home, at)
      if (also && at.sql) await tryDirectory(at.sql, { also, guarded: guardedAt(shard.survey, at) })
    }
  }
}

async function updateAtHome(shard: Shard, home: End): Promise<void> {
  const also = statementAt(shard, home, home)
  if (!also || !home.sql || isOneDatabase(shard)) return
  const hold = { ...holdOf(shard), turn: shard.turn }
  const rows = await updateDirectory(home.sql, hold, also).catch((cause: unknown) => {
    throw cause instanceof RehomeError ? cause : notUpdated(`\`cutover.also\``, cause)
  })
  if (rows === null) {
    throw new RehomeError('MOVE_TAKEN_OVER', `a later attempt has been at the ${home.name}`)
  }
  const before = evidenceOf(shard, home).also
  noteDirectory(shard, home, { also: { ...before, [home.name]: { rows, inCutover: false } } })
}

async function callOnMoved(shard: Shard, home: End): Promise<void> {
  const { plan, tenant, turn } = shard
  if (!plan.cutover?.onMoved) return
  const signal = AbortSignal.any([shard.signal, AbortSignal.timeout(callMs)])
  const moved = { tenant, home: homeAt(home), order: Number(turn), signal }
  const begunAt = now()
  try {
    await unlessAborted(Promise.resolve(plan.cutover.onMoved(moved)), signal)
  } catch (cause) {
    if (shard.signal.aborted) throw shard.signal.reason
    throw notUpdated('`cutover.onMoved`', cause)
  }
  noteDirectory(shard, home, { onMovedMs: round(now() - begunAt) })
}

function notUpdated(what: string, cause: unknown): RehomeError {
  const message = `${what} failed, and is repeated until it does not: ${messageOf(cause)}`
  return new RehomeError('DIRECTORY_NOT_UPDATED', message, { cause, retryable: true })
}

/** Both ends are one: what is committed at one of them is committed at both. */
function isOneDatabase({ ends: { source, target } }: Shard): boolean {
  return source.sql !== undefined && source.sql.address === target.sql?.address
}

function evidenceOf({ evidence, move }: Shard, { name }: End): DirectoryEvidence {
  const field = name === 'target' ? 'directory' : 'rollbackDirectory'
  return evidence[field] ?? move.evidence[field] ?? {}
}

function noteDirectory(shard: Shard, home: End, change: DirectoryEvidence): void {
  const directory = { ...evidenceOf(shard, home), ...change }
  const evidence = home.name === 'target' ? { directory } : { rollbackDirectory: directory }
  Object.assign(shard.evidence, evidence)
  note(shard, { evidence })
}
