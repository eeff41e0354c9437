// The small world's plan as a file, for processes that load it as a user's.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PlanInput } from '../../../src/plan/plan.ts'

export interface PlanFile extends AsyncDisposable {
  readonly path: string
  readonly plan: PlanInput
}

/** `tenants`: how the plan says which there are; `changes`: further fields, which win. */
export async function writePlanFile(tenants: string, changes = ''): Promise<PlanFile> {
  // Inside the project, where a plan finds what it imports.
  await mkdir('.rehome', { recursive: true })
  const folder = await mkdtemp(join(process.cwd(), '.rehome', 'plans-'))
  const path = join(folder, 'plan.ts')
  await writeFile(
    path,
    `import { definePlan, postgres, sql, table } from 'rehome'
    export default definePlan({
      name: 'small', source: postgres({ urlFrom: 'SOURCE_URL' }),
      target: postgres({ urlFrom: 'TARGET_URL' }), tenants: ${tenants}, attempts: 1,
      tables: [table('tenants', { tenant: 'id' }), table('notes'), table('visits'),
        table('note_lines', { through: 'note_id' })],
      ${changes} })`,
  )
  const { default: plan } = (await import(pathToFileURL(path).href)) as { default: PlanInput }
  return { path, plan, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}
