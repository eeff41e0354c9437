/** The state of a tenant that cannot be written just now. Types only. */

/** A fence of one tenant, or of the whole application: then `tenant` is `*`. */
export interface Fence {
  /** The feature or data model that may not be written; `default` where there is only one. */
  readonly scope: string
  readonly tenant: string
  /**
   * `read_only`: it is being moved, or a person has closed it. `receiving`: it is about to come
   * here. `moved`: it has another home.
   */
  readonly mode: 'read_only' | 'receiving' | 'moved'
  /** In words, for people. */
  readonly reason: string
  /** When to try again, in seconds. */
  readonly retryAfterS: number
  /** Its end is unknown: a new try will be refused again. */
  readonly indefinite: boolean
  /** Its new home, `host:port/database`; null unless it has moved. */
  readonly movedTo: string | null
  /** The key that opens the new home, in case the worker that moved the tenant has died. */
  readonly key: string | null
}
