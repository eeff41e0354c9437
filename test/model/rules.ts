/**
 * How the protocol is, and each way in which it could be wrong. The model follows whatever stands
 * here; `proven` is the protocol in which every promise holds, and everything else a mutant of it.
 */
export interface Rules {
  /** Which changes ask whose turn it is: src/ends/postgres/fence/turns.ts. */
  readonly turns: 'every change' | 'changes by move id' | 'none'
  /** Raising a fence changes the bucket, so that older snapshots fail. */
  readonly bump: boolean
  /** The drain waits for those who hold the guard's lock. */
  readonly waitForWriters: boolean
  /** Rows are read, to be copied and to be compared, after the drain. */
  readonly drainBeforeCopy: boolean
  /** The first writer after a fence's lease deletes the flag, and so holds its row's lock. */
  readonly lapseDeletes: boolean
  /** The cutover needs the fence's row under the attempt's token. */
  readonly cutoverNeedsFence: boolean
  /** Each transaction that writes at a closed end holds the flag's row under the token. */
  readonly chunksHold: boolean
  readonly wipesHold: boolean
  readonly releaseAfterCutover: boolean
  /** An attempt goes on only under a fence that stands at both ends with its epoch. */
  readonly resumeLooks: boolean
  /** A read_only end does not tell its epoch. */
  readonly keyIsSecret: boolean
  /** A rollback says at the source by which key it may be opened: before or after the fence. */
  readonly openedBy: 'after the fence' | 'before the fence' | 'never'
  /** The rollback waits for writers at the target. */
  readonly drainBeforeRollback: boolean
  /** The preflight closes the target. */
  readonly claims: boolean
  /** The fence of a tenant that is captured needs the capture to stand still. */
  readonly fenceNeedsCapture: boolean
  /** Capture is announced, and then waited for, as a fence is. */
  readonly drainBeforeSnapshot: boolean
  /** The drain under the fence, of tenants that were captured until then. */
  readonly drainBeforeLast: boolean
  /** A writer whose snapshot shows a capture logs what it writes. */
  readonly snapshotsLog: boolean
  /** Brought changes are forgotten after the round's commit. */
  readonly forgetAfterCommit: boolean
  /** Opening an end that is to log starts its log before the first write. */
  readonly opensLogged: boolean
  /** A fence that lapses within the window becomes a capture again. */
  readonly lapseLogs: boolean
  /** Writers go on logging after the lease of a capture; the reaper ends it. */
  readonly lapsedCaptureLogs: boolean
  /** A worker that is stopped before the cutover lowers its fence before it goes. */
  readonly stopLowers: boolean
  /** Past the cutover it opens the new home before it goes. */
  readonly stopFinishes: boolean
  /** An attempt that ends because its worker was stopped does not count as one. */
  readonly stopKeepsAttempt: boolean
}

export const proven: Rules = {
  turns: 'every change',
  bump: true,
  waitForWriters: true,
  drainBeforeCopy: true,
  lapseDeletes: true,
  cutoverNeedsFence: true,
  chunksHold: true,
  wipesHold: true,
  releaseAfterCutover: true,
  resumeLooks: true,
  keyIsSecret: true,
  openedBy: 'after the fence',
  drainBeforeRollback: true,
  claims: true,
  fenceNeedsCapture: true,
  drainBeforeSnapshot: true,
  drainBeforeLast: true,
  snapshotsLog: true,
  forgetAfterCommit: true,
  opensLogged: true,
  lapseLogs: true,
  lapsedCaptureLogs: true,
  stopLowers: true,
  stopFinishes: true,
  stopKeepsAttempt: true,
}
