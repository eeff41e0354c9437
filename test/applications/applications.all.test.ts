// Applications after the shapes of real ones: `rehome scaffold` writes the plan, `rehome check`
// accepts it with at most three decisions by hand, and a tenant moves by it while the application
// writes, comes back with what was written, moves again, and is cleaned up.
import { test } from 'vitest'
import { batchRuns } from '../helpers/moves/applications/batch-runs.ts'
import { billing } from '../helpers/moves/applications/billing.ts'
import { clinics } from '../helpers/moves/applications/clinics.ts'
import { crm } from '../helpers/moves/applications/crm.ts'
import { fieldsCrm } from '../helpers/moves/applications/fields-crm.ts'
import { helpDesk } from '../helpers/moves/applications/help-desk.ts'
import { learning } from '../helpers/moves/applications/learning.ts'
import { logistics } from '../helpers/moves/applications/logistics.ts'
import { monitoring } from '../helpers/moves/applications/monitoring.ts'
import { rails } from '../helpers/moves/applications/rails.ts'
import type { RealApplication } from '../helpers/moves/applications/real-application.ts'
import { shop } from '../helpers/moves/applications/shop.ts'
import { signing } from '../helpers/moves/applications/signing.ts'
import { taskEngine } from '../helpers/moves/applications/task-engine.ts'
import { threads } from '../helpers/moves/applications/threads.ts'
import { travelByScaffold } from '../helpers/moves/by-scaffold.ts'

test.each<[string, RealApplication]>([
  ['signatures', signing],
  ['a task engine', taskEngine],
  ['billing with 130 tables', billing],
  ['batch runs', batchRuns],
  ['comments and attachments by type', rails],
  ['threads', threads],
  ['a shop with a catalogue', shop],
  ['clinics', clinics],
  ['a CRM', crm],
  ['a CRM with fields of its own', fieldsCrm],
  ['a help desk', helpDesk],
  ['a learning platform', learning],
  ['logistics', logistics],
  ['monitoring', monitoring],
])(
  'a tenant of %s moves by the scaffolded plan, and back',
  async (_, application) => await travelByScaffold(application),
  240_000,
)
