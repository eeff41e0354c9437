/**
 * The command line. Each command has a file of its own; here they are put together, and every error
 * becomes one line on standard error and an exit code.
 */
import { existsSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { version } from '../coordinator/enqueue.ts'
import { messageOf, RehomeError } from '../errors.ts'
import { addCanary } from './canary.ts'
import { addCheck } from './check.ts'
import { addCompletion } from './completion.ts'
import { type PackageModule, reportError } from './context.ts'
import { addEnqueue } from './enqueue.ts'
import { addErrands } from './errands.ts'
import { addRetention } from './fleet/retention.ts'
import { addSteering } from './fleet/steering-commands.ts'
import { addInit } from './init.ts'
import { setPackageModule } from './load-plan.ts'
import { addBoard } from './operate/board.ts'
import { addDoctor } from './operate/doctor.ts'
import { addInspect } from './operate/inspect.ts'
import { addLogs } from './operate/logs.ts'
import { addRepair } from './operate/repair.ts'
import { addReport } from './operate/report.ts'
import { addRuns } from './operate/runs.ts'
import { addShow } from './operate/show.ts'
import { addStatus } from './operate/status.ts'
import { addWebhooks } from './operate/webhooks.ts'
import { addWhere } from './operate/where.ts'
import { addReadOnly } from './read-only.ts'
import { addRehearse } from './rehearse.ts'
import { addScaffold } from './scaffold.ts'
import { addSchema } from './schema/change.ts'
import { addLint } from './schema/lint.ts'
import { addMigrateIfNeeded } from './schema/migrate-if-needed.ts'
import { addUninstall } from './uninstall.ts'
import { addWorker } from './worker.ts'

const more = `
Environment:
  CONTROL_URL    the control database, postgres://…
  REDIS_URL      the queue's Redis (default: the queue lives in the control database)
  REHOME_PLANS   plan files of a worker, separated by commas
  REHOME_BOARD_TOKEN, REHOME_BOARD_APPROVER_TOKEN, REHOME_BOARD_VIEWER_TOKEN,
  REHOME_BOARD_HOST, REHOME_BOARD_PORT, REHOME_BOARD_HOSTS
                 who may operate, approve and look at the board, and where it listens
  REHOME_BOARD_PROXY, REHOME_BOARD_PROXY_SECRET, REHOME_BOARD_ROLES
                 a proxy in front of the board that signs people in (default: none is trusted)
  REHOME_METRICS_PORT, REHOME_METRICS_HOST
                 where a worker answers /metrics, /healthz and /readyz (default: nowhere)
  REHOME_SIGNING_KEY
                 the Ed25519 private key that signs reports (default: they are not signed)
  REHOME_WEBHOOK_URL, REHOME_WEBHOOK_SECRET
                 where workers send webhooks, and what signs them (default: none are sent)
  LOG_LEVEL      trace, debug, info, warn, error, silent (default: info)
  and the variables that the plan names for its two ends

Exit codes:
  0  done                                 4  not equal, a changed schema, an altered report
  1  unexpected, or an error that passes  5  a rollback would lose writes
  2  a mistake in the call or the plan    6  a database is out of reach or denies access
  3  refused as things stand

Examples:
  rehome init plan.ts && rehome check plan.ts
  rehome worker plan.ts
  rehome enqueue plan.ts --tenant acme --wait
  rehome rollback plan-1a2b3c4d --tenant acme
`

/**
 * Returns the exit code. Writes to standard output and error, and leaves process.exit to others.
 */
export async function main(argv: readonly string[], rehome: PackageModule): Promise<number> {
  process.stdout.on('error', leaveClosedPipe)
  // What a library has under way on its own, e.g. a queue that finds the server full.
  process.once('unhandledRejection', (error) => process.exit(reportError(error)))
  setPackageModule(rehome)
  const program = createProgram(rehome)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    // Commander has already printed what is wrong with the call.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    return reportError(error)
  }
}

/** All commands. */
export function createProgram(rehome: PackageModule): Command {
  const program = new Command('rehome')
    .description('moves tenants, one at a time, between databases')
    .version(version())
    .option('--env-file <file>', 'settings that the environment does not have (default: .env)')
    .option('--no-env-file', 'read no file, not even .env')
    .hook('preAction', readEnvFile)
    .addHelpText('after', more)
    .showHelpAfterError('(`rehome --help` lists the commands)')
    .exitOverride()
  program.commandsGroup('Prepare:')
  addInit(program)
  addScaffold(program)
  addCheck(program)
  addLint(program)
  addMigrateIfNeeded(program)
  addSchema(program)
  addCanary(program)
  addRehearse(program)
  program.commandsGroup('Move:')
  addEnqueue(program)
  addWorker(program, rehome)
  addErrands(program)
  program.commandsGroup('Steer runs under way:')
  addSteering(program)
  program.commandsGroup('Look:')
  addBoard(program)
  addRuns(program)
  addStatus(program)
  addLogs(program)
  addShow(program)
  addInspect(program)
  addWhere(program)
  addReport(program)
  program.commandsGroup('Maintain:')
  addDoctor(program)
  addRepair(program)
  addReadOnly(program)
  addRetention(program)
  addWebhooks(program)
  addUninstall(program)
  addCompletion(program)
  program.helpCommand(true)
  nameOptions(program)
  return program
}

/** Makes errors about the value of an option name the option. */
function nameOptions(command: Command): void {
  for (const option of command.options) {
    const { parseArg, long } = option
    if (!parseArg) continue
    option.parseArg = (text, before) => {
      try {
        return parseArg(text, before)
      } catch (error) {
        if (!(error instanceof RehomeError)) throw error
        throw new RehomeError(error.code, `${long}: ${messageOf(error)}`, { cause: error })
      }
    }
  }
  for (const below of command.commands) nameOptions(below)
}

/**
 * Reads a file as that of `node --env-file`, by default `.env` if there is one. Settings that the
 * environment has already are kept.
 */
function readEnvFile(command: Command): void {
  const { envFile } = command.opts<{ envFile: string | boolean }>()
  if (envFile === false) return
  const isNamed = typeof envFile === 'string'
  const file = isNamed ? envFile : '.env'
  if (!isNamed && !existsSync(file)) return
  if (!process.loadEnvFile) {
    throw new RehomeError(
      'USAGE',
      `"${file}" can be read by Node.js 20.12 or newer: or --no-env-file`,
    )
  }
  try {
    process.loadEnvFile(file)
  } catch (cause) {
    throw new RehomeError('USAGE', `cannot read "${file}": ${messageOf(cause)}`, { cause })
  }
}

/** Handles `rehome … | head`: a reader that closes the pipe early is no error. */
function leaveClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}
