/** What is known of a tenant that may not be written just now. Types only. */

/** Of the tenant itself, or of the whole application: then `tenant` is `*`. */
export interface Fence {
  /** The feature or data model that may not be written; `default` where there is only one. */
  readonly scope: string
  readonly tenant: string
  /**
   * `read_only`: it is being moved, or a person has said so. `receiving`: it is about to come here.
   * `moved`: it has another home.
   */
  readonly mode: 'read_only' | 'receiving' | 'moved'
  /** In words, for people. */
  readonly reason: string
  /** When to try again, in seconds. */
  readonly retryAfterS: number
  /** Nobody knows when it ends: whoever tries again will be refused again. */
  readonly indefinite: boolean
  /** Its new home, `host:port/database`; null unless it has moved. */
  readonly movedTo: string | null
  /** With it the new home can be opened, should whoever has moved the tenant be dead. */
  readonly key: string | null
}
