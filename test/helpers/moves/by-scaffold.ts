// A tenant of an application with a schema of its own moves by the plan that `rehome scaffold`
// writes, after at most three decisions of a person.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import type { PlanInput } from '../../../src/plan/plan.ts'
import { rehome } from '../command.ts'
import { createDatabase } from '../database.ts'
import { onlinePlan } from '../way-back.ts'
import { createWorld, installPlans, type World } from '../world.ts'
import type { RealApplication } from './applications/real-application.ts'
import { travelIn } from './journey.ts'

const decisionsMax = 3
const extensions = 'create extension if not exists btree_gist'
const inSchema = (sql: string) => `set search_path = app; ${sql}; set search_path = public`
const created = (sql: string) => `${extensions}; create schema app; ${inSchema(sql)}`

async function worldOf({ schema, seed, there }: RealApplication): Promise<World> {
  return await createWorld({
    both: created(schema.join(';\n')),
    source: inSchema(seed),
    target: there ? inSchema(there) : '',
  })
}

/** The scaffolded plan after a person's decisions. */
async function scaffolded(world: World, application: RealApplication): Promise<PlanInput> {
  const { tenantTable, lines, decisions = [], changes = [] } = application
  const args = ['scaffold', '--schema', 'app', '--tenant-table', tenantTable]
  const { code, out, error } = await rehome([...args, '--target', 'TARGET_URL'], world.environment)
  expect([code, error]).toEqual([0, ''])
  for (const line of lines) expect(out).toContain(line)
  const open = out.match(/decide:/g)?.length ?? 0
  const made = decisions.length + changes.length
  expect(Math.max(open, made), out).toBeLessThanOrEqual(decisionsMax)
  for (const { pool } of [world.source, world.target]) await pool.query(inSchema(changes.join(';')))
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

/** Online while it writes, back with what it has written, again, and cleaned up. */
export async function travelByScaffold(application: RealApplication): Promise<void> {
  await using world = await worldOf(application)
  const plan = await scaffolded(world, application)
  await installPlans(world, [plan])
  expect(await world.rehome.check(plan)).toEqual([])
  await using twin = await createDatabase()
  await twin.pool.query(created(`${application.schema.join(';\n')}; ${application.seed}`))
  await travelIn(world, twin.pool, {
    ...{ plan, ...application },
    write: (i) => ['set local search_path = app', ...application.write(i)],
  })
}
