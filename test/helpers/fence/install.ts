// Installs the fence over a database of the small application, as it is or with one line changed.
//
// A change names the text that it replaces; a text that does not stand there exactly once is an
// error, so that a mutant cannot outlive the line that it was made for.
import pg from 'pg'
import { type Survey, survey } from '../../../src/checks/survey.ts'
import { closeEnds, openEnds } from '../../../src/coordinator/installation.ts'
import { sharedEnds } from '../../../src/ends/end.ts'
import { readMigrations } from '../../../src/migrations.ts'
import { checkPlan } from '../../../src/plan/check-plan.ts'
import type { PlanInput } from '../../../src/plan/plan.ts'
import { fencePlan } from './schema.ts'

/** A replacement in an installed statement. */
export type Change = readonly [before: string | RegExp, after: string]

export interface Installation {
  readonly plan?: PlanInput
  /** The schema of the fence is there already. */
  readonly guardsOnly?: boolean
  /** Changes to the endpoint's migrations. */
  readonly fence?: readonly Change[]
  /** Changes to the statements that make the guards, all of them as one text. */
  readonly guards?: readonly Change[]
}

export async function fenceSql(): Promise<string> {
  const files = await readMigrations('endpoint')
  return files.map((file) => file.sql).join('\n')
}

const known = new Map<PlanInput, Promise<string>>()

/** Statements for all databases of one application, so they are made once a plan object. */
function guardStatements(url: string, plan: PlanInput): Promise<string> {
  const found = known.get(plan) ?? readStatements(url, plan)
  known.set(plan, found)
  return found
}

/** The statements that `init` runs for the guards of the plan's tables. */
async function readStatements(url: string, plan: PlanInput): Promise<string> {
  const missing = await unguarded(url, plan)
  return missing.map(({ statements }) => `${statements.join(';\n')};`).join('\n')
}

/** Findings that prevent a move at this database, in words. */
export async function findingsOf(url: string, plan: PlanInput): Promise<string[]> {
  const { findings } = await surveyOf(url, plan)
  return findings.filter(({ where }) => /^(source|table)/.test(where)).map((f) => f.message)
}

/** Names of the relations whose guards are missing or not as the plan needs them. */
export async function unguardedRelations(url: string, plan: PlanInput): Promise<string[]> {
  return (await unguarded(url, plan)).map(({ relation }) => relation)
}

async function unguarded(url: string, plan: PlanInput): Promise<Survey['unguarded']> {
  return (await surveyOf(url, plan)).unguarded.filter(({ end }) => end.name === 'source')
}

async function surveyOf(url: string, plan: PlanInput): Promise<Survey> {
  const checked = checkPlan(plan)
  const ends = sharedEnds(openEnds(checked, { SOURCE_URL: url, TARGET_URL: url }))
  try {
    return await survey(checked, ends)
  } finally {
    await closeEnds(ends)
  }
}

export async function installFence(url: string, installation: Installation = {}): Promise<void> {
  const { plan = fencePlan, fence = [], guards = [], guardsOnly = false } = installation
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    if (!guardsOnly) {
      await client.query(`create schema if not exists rehome; ${changed(await fenceSql(), fence)}`)
    }
    await client.query(changed(await guardStatements(url, plan), guards))
  } finally {
    await client.end()
  }
}

/** A plain text has to stand there once; a global pattern at least once. */
export function changed(text: string, changes: readonly Change[]): string {
  return changes.reduce((before, [from, to]) => {
    const found = typeof from === 'string' ? before.split(from).length - 1 : 1
    const after = before.replaceAll(from, () => to)
    if (found !== 1 || after === before) {
      throw new Error(`this text stands there ${found === 1 ? 0 : found} times: ${from}`)
    }
    return after
  }, text)
}
