/** How a transaction begins that writes or removes rows of a tenant that is closed here. Pure. */

export interface WritingMode {
  /**
   * Foreign keys, triggers and rules of the application are off, and the caller checks the
   * references himself. It is so wherever our role may, for copies and removals alike.
   */
  readonly replicate: boolean
  /** Whether the commit waits for the disk. Absent: as the session has it. */
  readonly commits?: 'durably' | 'later'
}

/** Our own guards stand in either mode: they are `enable always`. */
export function beginWriting({ replicate, commits }: WritingMode): string {
  const durable = commits && `set local synchronous_commit = ${commits === 'later' ? 'off' : 'on'}`
  const replica = replicate && 'set local session_replication_role = replica'
  return ['begin', durable, replica].filter(Boolean).join('; ')
}
