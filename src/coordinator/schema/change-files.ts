/** The SQL files of a plan's schema changes: read, divided into statements, and linted. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { PlanEnds, SqlEnd } from '../../ends/end.ts'
import type { ChangeFile } from '../../ends/postgres/schema/units.ts'
import { messageOf, RehomeError } from '../../errors.ts'
import { lintChanges } from '../../lint/lint.ts'
import type { Finding as LintFinding } from '../../lint/rule.ts'
import type { Plan } from '../../plan/plan.ts'
import { plannedNames } from '../../plan/planned-names.ts'
import type { SchemaPart } from '../../plan/schema-plan.ts'
import { toRehomeError } from '../../postgres.ts'

export type EndName = 'source' | 'target'

/** The order in which ends change: code of the old release runs at the source. */
const endsOf: Readonly<Record<SchemaPart, readonly EndName[]>> = {
  expand: ['target', 'source'],
  contract: ['source', 'target'],
}

/** Throws PREFLIGHT_FAILED for a file that cannot be read. */
export async function readChangeFiles(
  { schema }: Plan,
  part: SchemaPart,
  end: EndName,
): Promise<ChangeFile[]> {
  const names = schema?.[part][end] ?? []
  return await Promise.all(
    names.map(async (name) => {
      const path = resolve(schema?.folder ?? '.', name)
      const text = await readFile(path, 'utf8').catch((error: unknown) => {
        const message = `file "${path}" of \`schema.${part}.${end}\` cannot be read: ${messageOf(error)}`
        throw new RehomeError('PREFLIGHT_FAILED', message, { cause: error })
      })
      return { name, text }
    }),
  )
}

/** A rule for what `rehome schema` does itself: it installs guards afterwards. */
const seenTo = 'planned-table-changed'

/**
 * Findings of `rehome lint` in the files of one part at one end. Those of the expansion tell the
 * schema for those of the contraction. A file that undoes the short lock_timeout is an error.
 */
export async function lintPart(
  plan: Plan,
  part: SchemaPart,
  { name, version }: { name: EndName; version: string },
): Promise<LintFinding[]> {
  const parts: readonly SchemaPart[] = part === 'expand' ? ['expand'] : ['expand', 'contract']
  const files = await Promise.all(
    parts.map(async (one) =>
      (await readChangeFiles(plan, one, name)).map((file) => {
        return { path: file.name, text: file.text, isReported: one === part }
      }),
    ),
  )
  const findings = await lintChanges(files.flat(), {
    assumeVersion: version,
    // No tenant can come back once the contraction begins: it waits for that.
    plannedTables: part === 'expand' ? plannedNames(plan) : [],
  })
  return findings
    .filter(({ code }) => code !== seenTo)
    .map((finding) => (finding.code === 'lock-timeout' ? { ...finding, level: 'error' } : finding))
}

/** Such as `14.3`. */
export async function versionAt({ pool, name, place }: SqlEnd): Promise<string> {
  const query = `select current_setting('server_version_num')::int as number`
  const { rows } = await pool.query(query).catch((error: unknown) => {
    throw toRehomeError(error, `the ${name} (${place})`)
  })
  const { number } = rows[0]
  return `${Math.floor(number / 10_000)}.${number % 10_000}`
}

/** Ends that the plan changes in this part, in their order. */
export function changedEnds(plan: Plan, ends: PlanEnds, part: SchemaPart): SqlEnd[] {
  return endsOf[part].flatMap((name) => {
    const { sql } = ends[name]
    return sql && (plan.schema?.[part][name].length ?? 0) > 0 ? [sql] : []
  })
}
