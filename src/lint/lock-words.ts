/** Words for what a lock keeps out, and for how long it is needed. Pure. */
import type { Cost, Finding } from './rule.ts'

const keptOut: Readonly<Record<string, string>> = {
  'ROW EXCLUSIVE': 'blocks no reads or writes of other rows',
  'SHARE UPDATE EXCLUSIVE': 'blocks other changes of the schema, not reads or writes',
  SHARE: 'blocks writes',
  'SHARE ROW EXCLUSIVE': 'blocks writes',
  EXCLUSIVE: 'blocks writes',
  'LOCK=NONE': 'blocks neither reads nor writes, but for an instant at begin and end',
  'LOCK=SHARED': 'blocks writes',
  'LOCK=EXCLUSIVE': 'blocks reads and writes',
  'ACCESS EXCLUSIVE': 'blocks reads and writes',
}

const durations: Readonly<Record<Cost, string>> = {
  instant: 'for an instant, and until the transaction ends',
  scan: 'until all rows are read, and until the transaction ends',
  build: 'until all rows are read and the index is built',
  rewrite: 'until all rows and indexes are written again',
}

export function lockEffect(mode: string): string {
  return keptOut[mode] ?? 'blocks no reads or writes'
}

export function lockDuration(cost: Cost): string {
  return durations[cost]
}

/** Empty: it locks no table that is known. */
export function readableLock({ locks, cost }: Pick<Finding, 'locks' | 'cost'>): string {
  if (locks.length === 0) return ''
  const each = locks.map(({ table, mode }) => `${mode} on "${table}" (${lockEffect(mode)})`)
  return `Locks ${each.join(', ')} ${lockDuration(cost)}.`
}
