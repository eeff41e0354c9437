/** A finding of `rehome doctor`: what is wrong, where, and the command that mends it. */

export interface Diagnosis {
  /** A word for each kind of finding; docs/doctor.md has a section for each. */
  readonly kind: Kind
  readonly where: string
  readonly message: string
  /** The command to run, or what else to do, in one line. */
  readonly mend: string
}

export const kinds = [
  'unreachable',
  'not-installed',
  'clock',
  'connections',
  'notify-queue',
  'version',
  'rights',
  'disk',
  'publication',
  'idle-transaction',
  'prepared-transaction',
  'queue-paused',
  'queue-eviction',
  'job-missing',
  'move-waits',
  'home-closed',
  'directory-outdated',
  'plan-differs',
  'fence-lapsed',
  'flag-without-move',
  'flag-of-ended-move',
  'moved-flag-missing',
  'log-without-capture',
  'quarantine',
] as const

export type Kind = (typeof kinds)[number]

/** Names the first few and counts the others, so that one cause is one line. */
export function named(things: readonly string[], what: string): string {
  const few = things.slice(0, 3).join(', ')
  const more = things.length > 3 ? ` and ${things.length - 3} more` : ''
  return `${things.length} ${what}: ${few}${more}`
}
