// Tenants move where one end, or both, are reached over HTTP.
import { test } from 'vitest'
import { mixes, moveTenants } from './stories/moves.ts'

test.each(mixes)(
  'tenants move, and what every type holds is the same at both ends: over HTTP $source and $target',
  moveTenants,
)
