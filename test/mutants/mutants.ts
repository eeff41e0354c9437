// All mutants of the fence.
import type { Mutant } from './mutant.ts'
import { leases, locks } from './of-the-guard.ts'
import { drains, tokens, turns } from './of-the-mover.ts'
import { guards, triggers } from './of-the-tables.ts'

export const mutants: readonly Mutant[] = [
  ...locks,
  ...leases,
  ...tokens,
  ...turns,
  ...drains,
  ...triggers,
  ...guards,
]
