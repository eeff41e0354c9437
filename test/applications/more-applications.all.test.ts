// More applications after the shapes of real ones. The names of their columns, and their rows, tell
// more about tenants than their keys do.
import { test } from 'vitest'
import { accounting } from '../helpers/moves/applications/more/accounting.ts'
import { booking } from '../helpers/moves/applications/more/booking.ts'
import { chat } from '../helpers/moves/applications/more/chat.ts'
import { codeHost } from '../helpers/moves/applications/more/code-host.ts'
import { crmObjects } from '../helpers/moves/applications/more/crm-objects.ts'
import { forum } from '../helpers/moves/applications/more/forum.ts'
import { scheduling } from '../helpers/moves/applications/more/scheduling.ts'
import { teams } from '../helpers/moves/applications/more/teams.ts'
import type { RealApplication } from '../helpers/moves/applications/real-application.ts'
import { travelByScaffold } from '../helpers/moves/by-scaffold.ts'

test.each<[string, RealApplication]>([
  ['a forum without keys', forum],
  ['a code host', codeHost],
  ['accounting', accounting],
  ['bookings', booking],
  ['a CRM of typed ids', crmObjects],
  ['a chat', chat],
  ['scheduling', scheduling],
  ["a framework's teams", teams],
])(
  'a tenant of %s moves by the scaffolded plan, and back',
  async (_, application) => await travelByScaffold(application),
  240_000,
)
