/** The plan's SQL for the application's directory, and whether it can run where it has to. */
import type { End, Ends } from '../ends/end.ts'
import { type DirectorySql, explainDirectory } from '../ends/postgres/directory-sql.ts'
import { messageOf, RehomeError } from '../errors.ts'
import type { Finding } from '../plan/catalogs/catalog.ts'
import { directoriesOf, type Home } from '../plan/homes/cutover-plan.ts'
import type { Plan } from '../plan/plan.ts'
import type { Survey } from './survey.ts'

interface Moving {
  readonly plan: Plan
  readonly tenant: string
}

export function homeAt({ name: end, chosenAs: name, place, sql }: End): Home {
  return { end, name, place, schema: sql?.schema }
}

/**
 * SQL that runs at an end when the tenant's home changes. null: the directory is not there. Throws
 * DIRECTORY_NOT_UPDATED where the plan's function fails.
 */
export function statementAt({ plan, tenant }: Moving, home: End, at: End): DirectorySql | null {
  if (!at.sql || !directoriesOf(plan).includes(at.name)) return null
  try {
    const changed = plan.cutover?.also?.(tenant, homeAt(home))
    return { sql: changed?.sql ?? '', schemas: at.sql }
  } catch (cause) {
    const message = `\`cutover.also\` made no SQL: ${messageOf(cause)}`
    throw new RehomeError('DIRECTORY_NOT_UPDATED', message, { cause, retryable: false })
  }
}

/** Relations with a guard, which refuses what a cutover changes there. */
export function guardedAt({ guarded }: Pick<Survey, 'guarded'>, { name }: End): string[] {
  const here = guarded.filter(({ end }) => end.name === name)
  return here.flatMap(({ table }) => [table.name, ...table.partitions])
}

/** Reads only: names, types and rights. Each attempt tries the statement itself. */
export async function directoryFindings(
  { plan, ends, survey }: { readonly plan: Plan; readonly ends: Ends; readonly survey: Survey },
  tenant: string,
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const at of [ends.source, ends.target]) {
    try {
      const also = statementAt({ plan, tenant }, ends.target, at)
      if (also && at.sql) {
        await explainDirectory(at.sql, { also, guarded: guardedAt(survey, at) })
      }
    } catch (error) {
      findings.push({ where: 'plan field `cutover.also`', message: messageOf(error) })
    }
  }
  return findings
}
