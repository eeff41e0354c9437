// The same losses while the tenants go on writing: each has exactly one home, and all that it wrote
// is there. Lost requests are in lost-online.all.test.ts.
import { test } from 'vitest'
import { loseAnswer } from '../helpers/http-trouble.ts'
import { loseOnline } from '../helpers/lossy-online.ts'

test(
  'tenants that write and lose six answers each move, and come back, with all they wrote',
  {
    timeout: 300_000,
  },
  async () => await loseOnline(loseAnswer),
)
