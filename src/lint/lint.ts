/**
 * Finds changes of a schema that stop an application or lose rows while they are made. It reads
 * migration files and nothing else: no database, no plan.
 */
import { RehomeError } from '../errors.ts'
import { readMigrations, sourceFile } from './files.ts'
import type { Finding } from './rule.ts'
import type { SourceFile } from './source-file.ts'

export const dialects = ['postgresql', 'mysql'] as const
export type Dialect = (typeof dialects)[number]

export interface LintOptions {
  readonly dialect?: Dialect | undefined
  /** Oldest server that runs the files, such as '14.3'. Default: '13', of MySQL '8.0'. */
  readonly assumeVersion?: string | undefined
  /** Tables that a plan moves, `*` for all: what their changes mean for moves is reported, too. */
  readonly plannedTables?: readonly string[] | undefined
  /** Git revision: only files that differ from it are reported. The others tell the schema. */
  readonly since?: string | undefined
}

/**
 * Findings in migration files, in folders of them, or in standard input (`-`), sorted by file and
 * line. Throws USAGE for a file or a revision that cannot be read.
 */
export async function lint(
  paths: readonly string[],
  options: LintOptions = {},
): Promise<Finding[]> {
  return await lintSources(await readMigrations(paths, options.since), options)
}

/** Findings in texts, in their order. A path decides what kind of file its text is. */
export async function lintTexts(
  texts: readonly { readonly path: string; readonly text: string }[],
  options: Omit<LintOptions, 'since'> = {},
): Promise<Finding[]> {
  return await lintSources(
    texts.map(({ path, text }) => sourceFile(path, text)),
    options,
  )
}

/**
 * Findings in SQL files that `rehome schema` runs: statement by statement, with a short
 * lock_timeout, whatever tool their names belong to. The others tell the schema.
 */
export async function lintChanges(
  files: readonly { readonly path: string; readonly text: string; readonly isReported: boolean }[],
  options: Omit<LintOptions, 'since' | 'dialect'> = {},
): Promise<Finding[]> {
  const sources = files.map(({ path, text, isReported }) => {
    return { ...sourceFile(path, text), wrapping: 'none' as const, waitsShortly: true, isReported }
  })
  return await lintSources(sources, options)
}

const defaultVersions: Readonly<Record<Dialect, string>> = { postgresql: '13', mysql: '8.0' }

async function lintSources(files: readonly SourceFile[], options: LintOptions): Promise<Finding[]> {
  const { dialect = 'postgresql', plannedTables = [] } = options
  const assumed = options.assumeVersion ?? defaultVersions[dialect]
  const findings = await findingsIn(files, { dialect, assumed, plannedTables })
  const order = new Map(files.map(({ path }, i) => [path, i]))
  return findings.sort(
    (left, right) =>
      (order.get(left.file) ?? 0) - (order.get(right.file) ?? 0) ||
      left.line - right.line ||
      left.column - right.column,
  )
}

/** Loads the rules of the dialect: whatever imports this library would wait for them otherwise. */
async function findingsIn(
  files: readonly SourceFile[],
  {
    dialect,
    assumed,
    plannedTables,
  }: { dialect: Dialect; assumed: string; plannedTables: readonly string[] },
): Promise<Finding[]> {
  if (dialect === 'mysql') {
    const version = mysqlVersionOf(assumed)
    const { lintMysql } = await import('./mysql/lint-mysql.ts')
    return lintMysql(files, version)
  }
  const version = versionOf(assumed)
  const { lintPostgres } = await import('./postgres/lint-postgres.ts')
  return await lintPostgres(files, { version, planned: new Set(plannedTables) })
}

/** 14.3 → 14.03; 14 → 14.99, the newest of them. Throws USAGE. */
function versionOf(text: string): number {
  const [, major, minor] = /^(\d{1,2})(?:\.(\d{1,2}))?(?:\.\d+)?$/.exec(text) ?? []
  if (major !== undefined) return Number(major) + Number(minor ?? 99) / 100
  throw new RehomeError('USAGE', `"${text}" is no version, such as 14 or 14.3`)
}

/** 8.0.29 → 80029; 8.0 → 80099, the newest of them. Throws USAGE. */
function mysqlVersionOf(text: string): number {
  const [, major, minor, patch] = /^(\d)\.(\d)(?:\.(\d{1,2}))?$/.exec(text) ?? []
  if (major !== undefined) return Number(major) * 10_000 + Number(minor) * 100 + Number(patch ?? 99)
  throw new RehomeError('USAGE', `"${text}" is no version of MySQL, such as 8.0 or 8.0.29`)
}
