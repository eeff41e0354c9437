// Applications after the shapes of real ones: `rehome scaffold` writes the plan, `rehome check`
// accepts it with at most three decisions by hand, and a tenant moves by it while the application
// writes, comes back with what was written, moves again, and is cleaned up.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import type { PlanInput } from '../../src/plan/plan.ts'
import { rehome } from '../helpers/command.ts'
import { createDatabase } from '../helpers/database.ts'
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
import { travelIn } from '../helpers/moves/journey.ts'
import { onlinePlan } from '../helpers/way-back.ts'
import { createWorld, installPlans, type World } from '../helpers/world.ts'

const inSchema = (sql: string) => `set search_path = app; ${sql}; set search_path = public`

async function worldOf({ schema, seed, there }: RealApplication): Promise<World> {
  return await createWorld({
    both: `create schema app; ${inSchema(schema.join(';\n'))}`,
    source: inSchema(seed),
    target: there ? inSchema(there) : '',
  })
}

/** The scaffolded plan after a person's decisions. */
async function scaffolded(world: World, application: RealApplication): Promise<PlanInput> {
  const { tenantTable, lines, decisions = [] } = application
  const args = ['scaffold', '--schema', 'app', '--tenant-table', tenantTable]
  const { code, out, error } = await rehome([...args, '--target', 'TARGET_URL'], world.environment)
  expect([code, error]).toEqual([0, ''])
  for (const line of lines) expect(out).toContain(line)
  const open = out.match(/decide:/g)?.length ?? 0
  expect(open + decisions.length, out).toBeLessThan(4)
  let text = out
  for (const [before, instead] of decisions) {
    expect(text).toContain(before)
    text = text.replace(before, instead)
  }
  await mkdir('.rehome', { recursive: true })
  const folder = await mkdtemp(join(process.cwd(), '.rehome', 'applications-'))
  try {
    await writeFile(join(folder, 'plan.ts'), text)
    const { href } = pathToFileURL(join(folder, 'plan.ts'))
    const { default: plan } = (await import(href)) as { default: PlanInput }
    return { ...plan, ...onlinePlan, chunkRows: 12, backoffMs: 50 }
  } finally {
    await rm(folder, { recursive: true })
  }
}

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
  async (_, application) => {
    await using world = await worldOf(application)
    const plan = await scaffolded(world, application)
    await installPlans(world, [plan])
    expect(await world.rehome.check(plan)).toEqual([])
    await using twin = await createDatabase()
    const { schema, seed } = application
    await twin.pool.query(`create schema app; ${inSchema(`${schema.join(';\n')}; ${seed}`)}`)
    await travelIn(world, twin.pool, {
      ...{ plan, ...application },
      write: (i) => ['set local search_path = app', ...application.write(i)],
    })
  },
  240_000,
)
