/**
 * Migrations of an application that its database has not run yet, by the table in which its
 * migration tool keeps them and the files that the tool reads. Reads only.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, RehomeError } from '../../../errors.ts'
import type { Pool } from '../../../postgres.ts'
import { ident } from '../../../quote.ts'

export const migrationTools = ['rails', 'prisma', 'drizzle', 'knex', 'kysely', 'flyway'] as const
export type MigrationTool = (typeof migrationTools)[number]

interface Adapter {
  /** Folder of its files, unless the caller names another. */
  readonly folder: string
  /** Schema and table in which it keeps what was run. */
  readonly table: readonly [schema: string, table: string]
  /** Column or expression of a row as `key`, and whether the row counts, as `done`. */
  readonly columns: string
  /** Keys of the files in the order in which they are run. */
  keys(folder: string): Promise<readonly Migration[]>
  /** Default: a row has its key. */
  isDone?(key: string, done: ReadonlySet<string>): boolean
}

interface Migration {
  /** Value in the table of the tool. */
  readonly key: string
  readonly name: string
}

const adapters: Readonly<Record<MigrationTool, Adapter>> = {
  rails: {
    folder: 'db/migrate',
    table: ['public', 'schema_migrations'],
    columns: 'version::text as key, true as done',
    keys: (folder) => filesIn(folder, /^(\d+)_.*\.rb$/),
  },
  prisma: {
    folder: 'prisma/migrations',
    table: ['public', '_prisma_migrations'],
    columns: 'migration_name as key, finished_at is not null and rolled_back_at is null as done',
    keys: (folder) => filesIn(folder, /^(\d+_.*|\d+)$/),
  },
  drizzle: {
    folder: 'drizzle',
    table: ['drizzle', '__drizzle_migrations'],
    columns: 'created_at::text as key, true as done',
    keys: drizzleJournal,
    // Drizzle runs what is newer than the newest row.
    isDone: (key, done) => [...done].some((newest) => Number(newest) >= Number(key)),
  },
  knex: {
    folder: 'migrations',
    table: ['public', 'knex_migrations'],
    columns: 'name as key, true as done',
    keys: (folder) => filesIn(folder, /^([^.].*\.(?:[cm]?js|(?<!\.d\.)[cm]?ts|sql))$/),
  },
  kysely: {
    folder: 'migrations',
    table: ['public', 'kysely_migration'],
    columns: 'name as key, true as done',
    keys: (folder) => filesIn(folder, /^([^.].*?)(?<!\.d)\.[cm]?[jt]s$/),
  },
  flyway: {
    folder: 'sql',
    table: ['public', 'flyway_schema_history'],
    columns: 'script as key, success as done',
    keys: (folder) => filesIn(folder, /^(V[\w.]*__.*\.sql)$/),
  },
}

/** Names of entries that fit; the first group is the key. */
async function filesIn(folder: string, pattern: RegExp): Promise<Migration[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    const message = `folder "${folder}" of migrations cannot be read: ${messageOf(error)}`
    throw new RehomeError('USAGE', `${message}; name it with --migrations`, { cause: error })
  })
  return names
    .flatMap((name) => {
      const key = pattern.exec(name)?.[1]
      return key === undefined ? [] : [{ key, name }]
    })
    .sort((left, right) => left.name.localeCompare(right.name, 'en', { numeric: true }))
}

async function drizzleJournal(folder: string): Promise<Migration[]> {
  const path = join(folder, 'meta/_journal.json')
  try {
    const { entries }: { entries: { when: number; tag: string }[] } = JSON.parse(
      await readFile(path, 'utf8'),
    )
    return entries.map(({ when, tag }) => ({ key: String(when), name: tag }))
  } catch (error) {
    const message = `journal "${path}" cannot be read: ${messageOf(error)}; name its folder with --migrations`
    throw new RehomeError('USAGE', message, { cause: error })
  }
}

/** Tools whose table exists in the database. */
export async function toolsOf(pool: Pool): Promise<MigrationTool[]> {
  const present = await Promise.all(migrationTools.map((tool) => hasTable(pool, tool)))
  return migrationTools.filter((_, i) => present[i])
}

async function hasTable(pool: Pool, tool: MigrationTool): Promise<boolean> {
  const { rows } = await pool.query(
    `select pg_catalog.to_regclass(pg_catalog.format('%I.%I', $1::text, $2::text)) is not null as is`,
    [...adapters[tool].table],
  )
  return rows[0]?.is === true
}

/** Names of migrations that are still to be run, in their order. A failed one counts as such. */
export async function pendingMigrations(
  pool: Pool,
  tool: MigrationTool,
  folder: string = adapters[tool].folder,
): Promise<string[]> {
  const { table, columns, keys, isDone } = adapters[tool]
  const files = await keys(folder)
  if (!(await hasTable(pool, tool))) return files.map(({ name }) => name)
  const { rows } = await pool.query(`select ${columns} from ${table.map(ident).join('.')}`)
  const done = new Set(rows.filter((row) => row.done).map((row) => row.key))
  const isRun = isDone ?? ((key: string) => done.has(key))
  return files.filter(({ key }) => !isRun(key, done)).map(({ name }) => name)
}
