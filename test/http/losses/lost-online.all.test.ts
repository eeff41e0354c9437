// Requests that are lost while the tenants go on writing; lost answers are in the default tier.
import { test } from 'vitest'
import { loseRequest } from '../../helpers/http/http-trouble.ts'
import { loseOnline } from '../../helpers/http/lossy-online.ts'

test(
  'tenants that write and lose six requests each move, and come back, with all they wrote',
  {
    timeout: 300_000,
  },
  async () => await loseOnline(loseRequest),
)
