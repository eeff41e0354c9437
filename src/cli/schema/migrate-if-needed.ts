/**
 * `rehome migrate-if-needed -- COMMAND`: runs an application's migration command only if its
 * database lacks migrations, and never while the application is read-only.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Command, Option } from 'commander'
import {
  type MigrationTool,
  migrationTools,
  pendingMigrations,
  toolsOf,
} from '../../ends/postgres/catalog/pending-migrations.ts'
import { readOnlyOf } from '../../ends/postgres/fence/read-only.ts'
import { RehomeError } from '../../errors.ts'
import { placeOf } from '../../place.ts'
import { createPool, type Pool, toRehomeError } from '../../postgres.ts'
import { jsonText, note, print } from '../context.ts'
import { safe } from '../print.ts'

const examples = `
Exit codes: that of the command; 0 if nothing is pending; 3 if the application is read-only and
migrations are pending; 2 if the tool is not known.

Examples:
  rehome migrate-if-needed -- npx prisma migrate deploy
  rehome migrate-if-needed --tool rails --dry-run -- bin/rails db:migrate
`

export function addMigrateIfNeeded(program: Command): void {
  program
    .command('migrate-if-needed')
    .description('run a migration command only if migrations are pending, never under read-only')
    .argument('[command...]', 'the command and its arguments, after --')
    .option('--url-from <variable>', "variable with the database's URL", 'DATABASE_URL')
    .addOption(
      new Option('--tool <tool>', 'migration tool (default: found by its table)').choices(
        migrationTools,
      ),
    )
    .option('--migrations <folder>', "folder of the tool's files (default: the tool's own)")
    .option('--scope <scope>', 'scope of the read-only mode', 'default')
    .option('--dry-run', 'only print which migrations are pending')
    .option('--json', "as JSON; the command's output goes to standard error")
    .addHelpText('after', examples)
    .action(migrateIfNeeded)
}

interface MigrateFlags {
  readonly urlFrom: string
  readonly tool?: MigrationTool
  readonly migrations?: string
  readonly scope: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

async function migrateIfNeeded(command: readonly string[], flags: MigrateFlags): Promise<void> {
  const [program, ...args] = command
  if (program === undefined && !flags.dryRun)
    throw new RehomeError('USAGE', 'name the migration command after --')
  const pending = await withDatabase(flags, (pool) => pendingOrRefuse(pool, flags))
  for (const name of pending) note(`pending: ${safe(name, 200)}`)
  if (pending.length === 0 && !flags.json) print('no migration is pending')
  if (pending.length > 0 && !flags.dryRun && program !== undefined) {
    process.exitCode = await run(program, args, flags)
  }
  const { exitCode = null } = process
  if (flags.json) print(jsonText({ pending, exitCode, nextSteps: [] }, 2))
}

async function withDatabase<T>(
  { urlFrom }: MigrateFlags,
  work: (pool: Pool) => Promise<T>,
): Promise<T> {
  const url = process.env[urlFrom]
  if (!url) {
    const message = `the application's database is read from ${urlFrom}, which is not set`
    throw new RehomeError('SETTING_MISSING', `${message}: set it, or name another with --url-from`)
  }
  const pool = createPool({ url, name: 'migrate-if-needed', size: 1 })
  try {
    return await work(pool)
  } catch (error) {
    throw toRehomeError(error, placeOf(url))
  } finally {
    await pool.end()
  }
}

/** Throws NOT_ALLOWED_NOW while the application is read-only, unless nothing is pending. */
async function pendingOrRefuse(pool: Pool, flags: MigrateFlags): Promise<string[]> {
  const tool = flags.tool ?? (await onlyTool(pool))
  const pending = await pendingMigrations(pool, tool, flags.migrations)
  const readOnly = pending.length > 0 ? await readOnlyIn(pool, flags.scope) : null
  if (readOnly === null || flags.dryRun) return pending
  const message =
    `${pending.length} migrations are pending, the first is "${pending[0]}", but the application is ` +
    `read-only: ${readOnly}. Wait for its end, or run \`rehome read-only off\``
  throw new RehomeError('NOT_ALLOWED_NOW', message)
}

async function onlyTool(pool: Pool): Promise<MigrationTool> {
  const [tool, ...others] = await toolsOf(pool)
  if (tool !== undefined && others.length === 0) return tool
  const tools = tool === undefined ? 'none' : [tool, ...others].join(', ')
  const message = `tables of migration tools in the database: ${tools}; name the tool with --tool`
  throw new RehomeError('USAGE', message)
}

/** Reason of the read-only mode; null: writes are let in, or no fence was ever installed. */
async function readOnlyIn(pool: Pool, scope: string): Promise<string | null> {
  const query = `select pg_catalog.to_regclass('rehome.tenant_flags') is not null as is`
  const { rows } = await pool.query(query)
  return rows[0]?.is === true ? ((await readOnlyOf(pool, scope))?.reason ?? null) : null
}

/** Exit code of the command; 128 and the signal's number are not told apart from others. */
async function run(
  program: string,
  args: readonly string[],
  { json }: MigrateFlags,
): Promise<number> {
  const child = spawn(program, args, { stdio: ['inherit', json ? 2 : 'inherit', 'inherit'] })
  try {
    const [code] = await once(child, 'exit')
    return code ?? 1
  } catch (error) {
    throw new RehomeError('USAGE', `command "${program}" cannot be started`, { cause: error })
  }
}
