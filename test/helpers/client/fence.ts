// The fence that a mover of the tests raises, as an application gets to know it.
import type { Fence } from '../../../src/client/index.ts'

export const fence = {
  scope: 'default',
  tenant: 'acme',
  mode: 'read_only',
  reason: 'test',
  retryAfterS: 7,
  indefinite: false,
  movedTo: null,
  key: null,
} as const satisfies Fence
