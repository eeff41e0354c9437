/** Findings, by name. Types and words only. */

/** Kind → what it means, as the report says it. */
export const findingKinds = {
  lost: 'acknowledged, and not at home',
  duplicated: 'at home more than once',
  resurrected: 'its erasure was acknowledged, and it is at home',
  stray: 'at home, and never acknowledged',
  miscounted: 'a counter that is not what was acknowledged',
  altered: 'rows that were not written to have changed',
  'two homes': 'both ends took writes at one time',
  stuck: 'refused for longer than the lease allows, or a move that does not end',
  waited: 'a write without an answer for longer than the budget',
  'foreign touched': 'a row of a tenant that no run names was written',
  'no home': 'not writable at exactly one end when all was over',
  'moved twice': 'two moves of it were open at one time',
  idle: 'no tenant changed its home, so nothing was proved',
} as const

export type FindingKind = keyof typeof findingKinds

export interface Finding {
  readonly kind: FindingKind
  /** null: it concerns none of the tenants that move. */
  readonly tenant: string | null
  readonly text: string
}
