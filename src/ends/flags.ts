/**
 * The flags of tenants at one end: every transition that a move makes, whatever the end is. What
 * each does is described where it is done, in postgres/fence/.
 */

/** Stands for all tenants of a scope, and so can be no tenant's id. */
export const wholeApplication = '*'

/** One tenant of one scope. */
export interface FlagKey {
  readonly scope: string
  readonly tenant: string
}

/** And who acts on it. */
export interface Hold extends FlagKey {
  readonly token: string
}

export interface Flag {
  readonly mode: 'capturing' | 'read_only' | 'receiving' | 'moved'
  readonly token: string
  readonly epoch: string
  readonly moveId: string
  readonly movedTo: string | null
  readonly rowsAreOurs: boolean
  readonly lapsed: boolean
  /** Until then changes are logged here, so that the tenant can be brought back with them. */
  readonly captureUntil: Date | null
  /** That is still to come. */
  readonly inWindow: boolean
  /** Since it was raised, by that server's clock. */
  readonly heldMs: number
}

export interface Raise extends Hold {
  readonly epoch: string
  readonly moveId: string
  readonly reason: string
  readonly retryAfterS: number
  readonly leaseMs: number
}

export interface Claim extends Omit<Raise, 'leaseMs'> {
  readonly ours: readonly string[]
  readonly captureMs?: number | null | undefined
}

/** A hold that the attempt before has raised, as the move has stored it. */
export interface Continued extends Hold {
  readonly moveId: string
  readonly epoch: string
  readonly leaseMs: number
}

export interface ModeChange extends Hold {
  readonly moveId: string
  readonly mode: Flag['mode']
}

export interface Keyed {
  readonly tenant: string
  readonly key: string
}

/** An attempt's turn at one end. */
export interface Turn {
  /** The flag that stands there now. No other attempt changes it later. */
  readonly flag: Flag | null
}

export interface Flags {
  /** Rejects where the end does not answer within 2 s. */
  answer(): Promise<void>
  /** null: a later attempt has been there. One call, where the end can. */
  takeTurn(change: Hold & { readonly turn: string }): Promise<Turn | null>
  readFlag(key: FlagKey): Promise<Flag | null>
  raiseFence(raise: Raise): Promise<Flag | null>
  startCapture(raise: Raise): Promise<Flag | null>
  fenceCaptured(raise: Hold & { epoch: string; leaseMs: number }): Promise<Flag | null>
  lowerToCapture(change: Hold & { readonly leaseMs: number }): Promise<boolean>
  adoptCapture(change: Continued): Promise<boolean>
  endCapture(change: Hold & { readonly moveId: string }): Promise<boolean>
  claimTarget(claim: Claim): Promise<Flag | null>
  markRowsOurs(hold: Hold): Promise<boolean>
  takeOver(change: Continued): Promise<Flag | null>
  adopt(change: ModeChange): Promise<boolean>
  letOpen(change: Hold & { readonly key: string }): Promise<boolean>
  renewLease(change: Hold & { readonly leaseMs: number }): Promise<boolean>
  markMoved(change: Hold & { readonly movedTo: string }): Promise<Flag | null>
  lowerFence(hold: Hold): Promise<boolean>
  openReceived(hold: Hold): Promise<boolean>
  removeFlag(change: Hold & { readonly mode: Flag['mode'] }): Promise<boolean>
  giveUpTarget(hold: Hold): Promise<boolean>
  lapsedFences(of: { readonly scope: string }): Promise<string[]>
  lowerLapsed(key: FlagKey): Promise<boolean>
  closedTenants(of: { readonly scope: string }): Promise<Keyed[]>
  givenAway(of: { readonly scope: string; readonly closed: readonly Keyed[] }): Promise<Keyed[]>
  openWith(opened: FlagKey & Keyed): Promise<boolean>
}
