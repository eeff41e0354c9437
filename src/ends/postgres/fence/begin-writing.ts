/**
 * How a transaction begins that writes or removes rows of a tenant that is closed here. Pure.
 *
 * Writers who still believe that the tenant lives here, and write one of those rows, wait for the
 * row before any guard can refuse them. So such a transaction waits for nothing but this server,
 * which ends it where we send nothing for 2 s. A round alone reads the other end meanwhile.
 */
import { endsIfIdle } from '../../../postgres.ts'

export interface WritingMode {
  /**
   * Foreign keys, triggers and rules of the application are off, and the caller checks the
   * references himself. It is so wherever our role may, for copies and removals alike.
   */
  readonly replicate: boolean
  /** Whether the commit waits for the disk. Absent: as the session has it. */
  readonly commits?: 'durably' | 'later'
  /** The other end is read while the transaction is open, for as long as that takes. */
  readonly readsMeanwhile?: boolean
}

/** Our own guards stand in either mode: they are `enable always`. */
export function beginWriting({ replicate, commits, readsMeanwhile }: WritingMode): string {
  const durable = commits && `set local synchronous_commit = ${commits === 'later' ? 'off' : 'on'}`
  const replica = replicate && 'set local session_replication_role = replica'
  const ends = !readsMeanwhile && endsIfIdle
  return ['begin', ends, durable, replica].filter(Boolean).join('; ')
}
