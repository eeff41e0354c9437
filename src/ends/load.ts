/** The load on an end, as the application's own writes feel it. */
export interface Load {
  /** How long a small commit took there, or a request, in ms. null: unknown. */
  readonly ms: number | null
  /** Sessions of others that are active. null: the end has none to show. */
  readonly active: number | null
  /** How far its standbys are behind, in ms: the last of those that count. null: none is. */
  readonly lagMs: number | null
  /** The standby that counts is connected. null: none is named. */
  readonly isConnected: boolean | null
  /** The end itself asks for less: its own words. null: it does not. */
  readonly asks: string | null
}

/** Facts that only a database has. */
export const unseen = { active: null, lagMs: null, isConnected: null }

export interface LoadMeter {
  /** Names what `ms` measures: `commits at`, `requests to`. */
  readonly what: string
  /**
   * How looks count: by their mean, or by the least of them where our own clock measures them, as
   * our own work delays some.
   */
  readonly by: 'mean' | 'least'
  /** `standby`: the one that counts. Rejects where the end does not answer in time. */
  look(of: { readonly standby?: string | undefined }): Promise<Load>
}
