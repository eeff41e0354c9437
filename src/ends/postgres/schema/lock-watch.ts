/**
 * Measures from outside how long a session waits for locks. What remains until its commit is the
 * time for which it has held them, at most: it is too long by one look, never too short.
 */
import { now, sleep } from '../../../clock.ts'
import type { Pool } from '../../../postgres.ts'

export interface LockWatch {
  /** When the session was last seen waiting, as `now()` counts; `null`: it did not wait. */
  lastWait(): number | null
  /** Sessions that it waited for, as a list for people; `null`: unknown. */
  blockers(): string | null
  /** Does not wait for a look under way: the session may have locks. */
  stop(): void
}

const lookMs = 10
/** Statements that take longer are looked at less often. */
const slowAfterMs = 5_000
const slowLookMs = 200

export function watchLocks(pool: Pool, pid: number): LockWatch {
  let last: number | null = null
  let blockers: string | null = null
  const query = `select a.wait_event_type = 'Lock' as waits from pg_catalog.pg_stat_activity a
    where a.pid = $1`
  const stop = lookAgain(async (isOver) => {
    const askedAt = now()
    const { rows } = await pool.query(query, [pid])
    if (!rows[0]?.waits || isOver()) return
    last = askedAt
    // Once, as it stops all changes of locks for a moment.
    blockers ??= (await pool.query(blockersOf, [pid])).rows[0]?.blockers ?? null
  })
  return { lastWait: () => last, blockers: () => blockers, stop }
}

const blockersOf = `select pg_catalog.string_agg(pg_catalog.format('session %s (%s, \`%s\`)',
    b.pid, b.state, pg_catalog.left(pg_catalog.regexp_replace(b.query, '[[:space:]]+', ' ', 'g'), 60)),
    ', ') as blockers
  from pg_catalog.pg_stat_activity b
  where b.pid = any ((select pg_catalog.pg_blocking_pids($1))::int[])`

/** Sees which locks another session has, where it cannot be asked itself. */
export function watchHeld(pool: Pool, pid: number): { locks(): HeldLock[]; stop(): void } {
  const held = new Map<string, HeldLock>()
  const stop = lookAgain(async () => {
    const { rows } = await pool.query(heldBy('$1::int'), [pid])
    for (const lock of strongestOf(rows)) held.set(lock.table, lock)
  })
  return { locks: () => [...held.values()], stop }
}

/** A look that fails makes the measured time longer, which is what the figure allows for. */
function lookAgain(look: (isOver: () => boolean) => Promise<void>): () => void {
  const ended = new AbortController()
  const began = now()
  const repeat = async () => {
    while (!ended.signal.aborted) {
      await look(() => ended.signal.aborted).catch(() => {})
      const restMs = now() - began > slowAfterMs ? slowLookMs : lookMs
      await sleep(restMs, ended.signal).catch(() => {})
    }
  }
  void repeat()
  return () => ended.abort()
}

export interface HeldLock {
  readonly table: string
  readonly mode: string
}

/** Locks of a session on tables, the strongest of each, but for those that readers take. */
const heldBy = (pid: string) =>
  `select n.nspname || '.' || c.relname as table, pg_catalog.array_agg(l.mode) as modes
  from pg_catalog.pg_locks l
  join pg_catalog.pg_class c on c.oid = l.relation
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where l.pid = ${pid} and l.granted and c.relkind in ('r', 'p', 'm')
    and n.nspname not in ('pg_catalog', 'pg_toast', 'rehome', 'rehome_log')
  group by 1 order by 1`

/** Locks of the own session. */
export const heldLocks = heldBy('pg_catalog.pg_backend_pid()')

const modes = [
  'AccessShareLock',
  'RowShareLock',
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
]

/** Reads rows of `heldLocks`: `{ table: 'public.orders', mode: 'ACCESS EXCLUSIVE' }`. */
export function strongestOf(
  rows: readonly { readonly table: string; readonly modes: readonly string[] | string }[],
): HeldLock[] {
  return rows.flatMap(({ table, modes: held }) => {
    const names = typeof held === 'string' ? held.replace(/[{}]/g, '').split(',') : held
    const strongest = Math.max(...names.map((mode) => modes.indexOf(mode)))
    const mode = (modes[strongest] ?? '').replace(/Lock$/, '').replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    return strongest > 0 ? [{ table, mode: mode.toUpperCase() }] : []
  })
}
