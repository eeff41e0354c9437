/**
 * Numbered SQL files in migrations/, applied by Kysely's migrator: one transaction, under its lock.
 *
 * Looking for pending ones only reads, so a run without pending migrations writes nothing.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kysely, type Migration, Migrator, PostgresDialect, sql } from 'kysely'
import { RehomeError } from './errors.ts'
import { type Pool, sqlStateOf } from './postgres.ts'

export type MigrationSet = 'control' | 'endpoint'

const schemaOf: Record<MigrationSet, string> = { control: 'rehome_control', endpoint: 'rehome' }

export interface MigrationFile {
  readonly name: string
  readonly sql: string
}

export async function readMigrations(set: MigrationSet): Promise<MigrationFile[]> {
  const folder = join(packageRoot(), 'migrations', set)
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  return await Promise.all(
    files.map(async (file) => ({
      name: file.replace(/\.sql$/, ''),
      sql: await readFile(join(folder, file), 'utf8'),
    })),
  )
}

/**
 * Names of the files that are not applied yet, in order. Reads only, and one table: the migrator
 * would read all columns of the database to find out whether it exists.
 */
export async function pendingMigrations(pool: Pool, set: MigrationSet): Promise<string[]> {
  const applied = await appliedMigrations(pool, set)
  const files = await readMigrations(set)
  return files.map(({ name }) => name).filter((name) => !applied.has(name))
}

async function appliedMigrations(pool: Pool, set: MigrationSet): Promise<ReadonlySet<string>> {
  try {
    const { rows } = await pool.query(`select name from ${schemaOf[set]}.migrations`)
    return new Set(rows.map(({ name }: { name: string }) => name))
  } catch (error) {
    // An undefined table, or an undefined schema.
    if (!['42P01', '3F000'].includes(sqlStateOf(error) ?? '')) throw error
    return new Set()
  }
}

/** Applies what is pending and returns the names. Two at once wait for each other. */
export async function migrate(pool: Pool, set: MigrationSet): Promise<string[]> {
  const pending = await pendingMigrations(pool, set)
  if (pending.length === 0) return []
  await refuseUnfit(pool, set)
  const { error, results } = await migratorOf(pool, set).migrateToLatest()
  if (error) throw error
  return (results ?? []).map((result) => result.migrationName)
}

const firstTable = { control: 'rehome_control.moves', endpoint: 'rehome.tenant_flags' } as const

/** Throws PREFLIGHT_FAILED where the migrations of this set cannot go well, and why. */
async function refuseUnfit(pool: Pool, set: MigrationSet): Promise<void> {
  const query = `select current_database() as name, current_setting('server_encoding') as encoding,
    to_regclass($1) is not null as "isThere", to_regclass($2) is not null as "isKept"`
  const schema = schemaOf[set]
  const { rows } = await pool.query(query, [firstTable[set], `${schema}.migrations`])
  const { name, encoding, isThere, isKept } = rows[0]
  if (encoding !== 'UTF8') {
    const message = `the encoding of database "${name}" is ${encoding}: rehome needs UTF8`
    throw new RehomeError('PREFLIGHT_FAILED', message)
  }
  if (!isThere) return
  const applied = isKept ? await pool.query(`select from ${schema}.migrations`) : { rowCount: 0 }
  if (applied.rowCount !== 0) return
  const all = set === 'endpoint' ? 'rehome, rehome_log' : schema
  const message = `schema "${schema}" of database "${name}" came without its rows, as by a dump of definitions alone: \`drop schema ${all} cascade\`, then run \`rehome init\``
  throw new RehomeError('PREFLIGHT_FAILED', message)
}

function migratorOf(pool: Pool, set: MigrationSet): Migrator {
  // The pool stays the caller's: Kysely is never destroyed here.
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  return new Migrator({
    db,
    provider: { getMigrations: () => migrationsOf(set) },
    migrationTableSchema: schemaOf[set],
    migrationTableName: 'migrations',
    migrationLockTableName: 'migrations_lock',
  })
}

async function migrationsOf(set: MigrationSet): Promise<Record<string, Migration>> {
  const files = await readMigrations(set)
  return Object.fromEntries(
    files.map((file) => [
      file.name,
      {
        async up(db: Kysely<unknown>) {
          await sql.raw(file.sql).execute(db)
        },
      },
    ]),
  )
}

/** Where package.json stands, be it above src/ or above dist/src/. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}
