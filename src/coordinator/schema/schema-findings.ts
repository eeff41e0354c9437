/** Findings in a plan's schema changes that stand between it and its moves. Changes nothing. */
import { failedAt, type PlanEnds, type SqlEnd } from '../../ends/end.ts'
import { hasChanged, pendingIn } from '../../ends/postgres/schema/apply-files.ts'
import { type Marker, readMarkers } from '../../ends/postgres/schema/markers.ts'
import { type Numbered, type UnitsOfFile, unitsOf } from '../../ends/postgres/schema/units.ts'
import { RehomeError } from '../../errors.ts'
import type { Finding as LintFinding } from '../../lint/rule.ts'
import type { Finding } from '../../plan/catalogs/catalog.ts'
import type { Plan } from '../../plan/plan.ts'
import { type SchemaPart, schemaParts } from '../../plan/schema-plan.ts'
import { changedEnds, lintPart, readChangeFiles, versionAt } from './change-files.ts'

export interface SchemaLooks {
  /** No tenant can move: an error of lint, a file that cannot be run, an expansion not yet run. */
  readonly findings: readonly Finding[]
  readonly notes: readonly Finding[]
}

export async function schemaLooks(plan: Plan, ends: PlanEnds): Promise<SchemaLooks> {
  if (!plan.schema) return { findings: [], notes: [] }
  const looks = await Promise.all(schemaParts.map((part) => looksAt(plan, ends, part)))
  return {
    findings: looks.flatMap(({ findings }) => findings),
    notes: looks.flatMap(({ notes }) => notes),
  }
}

async function looksAt(plan: Plan, ends: PlanEnds, part: SchemaPart): Promise<SchemaLooks> {
  const errors: Finding[] = []
  const notes: Finding[] = []
  for (const end of changedEnds(plan, ends, part)) {
    try {
      const pending = await pendingAt(plan, end, part)
      for (const finding of await lintAt(plan, { end, part, pending }))
        (finding.level === 'error' ? errors : notes).push(lintText(finding, part, end))
      const count = pending.reduce((sum, { statements }) => sum + statements.length, 0)
      if (part === 'expand' && count > 0)
        (plan.schema?.auto ? notes : errors).push(pendingText(plan, end, count))
      for (const { file } of pending.filter(({ isChanged }) => isChanged)) {
        const message = `"${file.name}" has changed since it was run: put it back`
        errors.push({ where: whereOf(part, end), message })
      }
    } catch (error) {
      const isOwn = error instanceof RehomeError
      if (!isOwn || !/^(PREFLIGHT_FAILED|NOT_INSTALLED)$/.test(error.code)) throw error
      errors.push({ where: whereOf(part, end), message: error.message })
    }
  }
  return { findings: errors, notes }
}

interface PendingPart {
  readonly end: SqlEnd
  readonly part: SchemaPart
  readonly pending: readonly PendingFile[]
}

/** Only files that have something left to run: what has run cannot be made safer. */
async function lintAt(plan: Plan, { end, part, pending }: PendingPart): Promise<LintFinding[]> {
  const names = new Set(
    pending.filter(({ statements }) => statements.length > 0).map(({ file }) => file.name),
  )
  if (names.size === 0) return []
  const findings = await lintPart(plan, part, { name: end.name, version: await versionAt(end) })
  return findings.filter(({ file }) => names.has(file))
}

/** Throws PREFLIGHT_FAILED with the errors that `rehome lint` finds in the files. */
export async function refuseUnsafe(plan: Plan, at: PendingPart): Promise<void> {
  const errors = (await lintAt(plan, at)).filter(({ level }) => level === 'error')
  if (errors.length === 0) return
  const findings = errors.map((finding) => lintText(finding, at.part, at.end))
  const message = findings.map((one) => `${one.where}: ${one.message}`).join('; ')
  throw new RehomeError('PREFLIGHT_FAILED', message, { data: { findings } })
}

export interface PendingFile {
  readonly file: UnitsOfFile
  /** Those that have not run yet. */
  readonly statements: readonly Numbered[]
  /** It has changed since a statement of it was run. */
  readonly isChanged: boolean
}

/** All files, in their order. Throws PREFLIGHT_FAILED for what cannot be run. */
export async function pendingAt(plan: Plan, end: SqlEnd, part: SchemaPart): Promise<PendingFile[]> {
  const files = await Promise.all((await readChangeFiles(plan, part, end.name)).map(unitsOf))
  const markers = await markersAt(plan, end, part)
  return files.map((file) => {
    const isChanged = hasChanged(file, markers)
    return { file, statements: pendingIn(file, markers), isChanged }
  })
}

/** Throws NOT_INSTALLED. */
async function markersAt(plan: Plan, end: SqlEnd, part: SchemaPart): Promise<Marker[]> {
  const change = { plan: plan.name, part, end: end.name }
  const query = `select to_regclass('rehome.schema_statements') is not null as yes`
  const isInstalled = await end.lifeline.query(query).catch(failedAt(end))
  if (isInstalled.rows[0].yes) return await readMarkers(end.lifeline, change)
  const message = `the ${end.name} (${end.place}) lacks the tables of rehome: run \`rehome init\``
  throw new RehomeError('NOT_INSTALLED', message)
}

function whereOf(part: SchemaPart, { name }: SqlEnd): string {
  return `schema.${part}.${name}`
}

function lintText(
  { file, line, code, message, breaks, page }: LintFinding,
  part: SchemaPart,
  end: SqlEnd,
): Finding {
  const where = `${whereOf(part, end)} "${file}", line ${line}`
  return { where, message: `${code}: ${message}. ${breaks} Safe steps: ${page}` }
}

function pendingText(plan: Plan, end: SqlEnd, count: number): Finding {
  const what = `${count} statement(s) have not run at the ${end.name}`
  const next = plan.schema?.auto
    ? '`rehome enqueue` runs them first'
    : 'run `rehome schema expand` with the plan'
  return { where: whereOf('expand', end), message: `${what}: ${next}` }
}
