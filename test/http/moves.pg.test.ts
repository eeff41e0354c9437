// Tenants move where one end, or both, are reached over HTTP: another mix with each commit. All of
// them: moves.all.test.ts.
import { test } from 'vitest'
import { oneOf } from '../helpers/rotation.ts'
import { mixes, moveTenants } from './stories/moves.ts'

test.each(oneOf(mixes))(
  'tenants move, and what every type holds is the same at both ends: over HTTP $source and $target',
  moveTenants,
)
